import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { newPassword, perService, withDatabase } from '@countersign/backing-services';
import {
  databaseUrlFile,
  type Identities,
  natsPasswordFile,
  type ServiceName,
  serviceNames,
  type Stack,
  writeSecret,
} from '@countersign/stack';
import pg from 'pg';
import { z } from 'zod';
import { connectAs } from '../nats-matrix/neighbour.js';
import { asSuperuser, heldWithin } from './database-restored.js';
import { type Fault, type Scene } from './fault.js';
import { between } from './random.js';

/** Milliseconds within which a service works again with a new password. */
const LIMIT_MS = 15_000;

type Passwords = Pick<Identities, 'databasePasswords' | 'natsPasswords'>;

const relaySchema = z.looseObject({ notes: z.looseObject({ audit_relay: z.looseObject({ connected: z.boolean() }) }) });

async function isWhole({ urls }: Stack, name: ServiceName): Promise<boolean> {
  const response = await fetch(`${urls[name]}/health/ready`);
  const relay = relaySchema.safeParse(await response.json()).data?.notes.audit_relay;
  return response.status === 200 && relay?.connected === true;
}

function isTakenByPostgres({ postgres }: Stack, name: ServiceName, password: string): Promise<boolean> {
  const login = { host: '127.0.0.1', port: postgres.port, user: name, database: name, password };
  return withDatabase(login, () => Promise.resolve(true)).catch(() => false);
}

async function isTakenByNats({ nats }: Stack, service: ServiceName, password: string): Promise<boolean> {
  try {
    await (await connectAs({ url: nats.url, service, password })).close();
    return true;
  } catch {
    return false;
  }
}

async function rotate({ stack, wrong }: Scene, before: Passwords, after: Passwords): Promise<void> {
  const file = (name: string): string => join(stack.directory, 'env', name);
  const allWhole = async (what: string): Promise<void> => {
    for (const name of serviceNames)
      if (!(await heldWithin(LIMIT_MS, () => isWhole(stack, name))))
        wrong(`${name} is not whole ${String(LIMIT_MS / 1_000)} s after ${what} was rotated`);
  };
  for (const name of serviceNames) {
    const password = after.databasePasswords[name];
    writeSecret(
      file(databaseUrlFile(name)),
      `postgres://${name}:${password}@127.0.0.1:${String(stack.postgres.port)}/${name}`,
    );
    await asSuperuser(
      stack,
      `alter role ${name} password ${pg.escapeLiteral(password)}`,
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = ${pg.escapeLiteral(name)}`,
    );
    if (await isTakenByPostgres(stack, name, before.databasePasswords[name]))
      wrong(`PostgreSQL still takes the old password of ${name}`);
  }
  await allWhole('the password of its database');
  for (const name of serviceNames) writeSecret(file(natsPasswordFile(name)), after.natsPasswords[name]);
  stack.nats.usePasswords(after.natsPasswords);
  for (const name of serviceNames) {
    if (!(await heldWithin(LIMIT_MS, async () => !(await isTakenByNats(stack, name, before.natsPasswords[name])))))
      wrong(`NATS still takes the old password of ${name}`);
  }
  await allWhole('its password of NATS');
}

/** The passwords of PostgreSQL and NATS are replaced in their files and at the servers, and back: no service is restarted, nor ended by the SIGHUP that operators send afterwards. */
export const passwordsRotated: Fault = {
  name: 'passwords-rotated',
  drill: 'rotation',
  async strike(scene) {
    const { stack, random, struck, wrong } = scene;
    const { databasePasswords, natsPasswords } = stack.identities;
    const others: Passwords = {
      databasePasswords: perService(() => newPassword()),
      natsPasswords: perService(() => newPassword()),
    };
    const pids = (): readonly (number | undefined)[] => serviceNames.map((name) => stack.services.get(name)?.child.pid);
    const begun = pids();
    await delay(between(random, 200, 700));
    struck();
    await rotate(scene, { databasePasswords, natsPasswords }, others);
    await delay(between(random, 1_000, 2_000));
    await rotate(scene, others, { databasePasswords, natsPasswords });
    for (const pid of begun) if (pid !== undefined) process.kill(pid, 'SIGHUP');
    await delay(between(random, 500, 1_000));
    if (pids().join() !== begun.join()) wrong('a service was started again');
    for (const [name, { child }] of stack.services) if (!child.running()) wrong(`SIGHUP ended ${name}`);
  },
};
