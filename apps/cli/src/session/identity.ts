import { readFileSync } from 'node:fs';
import { type PrivateJwk } from '@countersign/auth-core';
import { mayBeUsedTo } from '@countersign/auth-core/jws';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { privateJwkSchema } from '../person/private-jwk.js';
import { type LocalClient, type LocalStack } from './local-stack.js';

const keySchema = privateJwkSchema.refine(
  (jwk) => mayBeUsedTo('sign', jwk),
  'must be a signing key; its use or key_ops says otherwise',
);

/** The command's identity, and its issuer. */
export interface Identity {
  readonly issuer: string;
  readonly clientId: string;
  readonly key: PrivateJwk;
  readonly keyFile: string;
  /** Scopes that the local stack's clients file allows it, by audience; unknown for other issuers. */
  readonly audiences: Readonly<Record<string, readonly string[]>> | undefined;
}

/** The options that determine the identity; each may also be an environment variable. */
export interface IdentityOptions {
  readonly issuer?: string | undefined;
  readonly clientId?: string | undefined;
  readonly key?: string | undefined;
}

/** Reads a private key as JWK. @throws {CliError} naming the file and the fault */
function readKey(path: string): PrivateJwk {
  try {
    return keySchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : '';
    throw new CliError(
      ExitCode.usage,
      'KEY_UNREADABLE',
      `${path} is not a private key of a client: ${reason}`,
      'It must be a JSON file with one private JWK that has kty, kid, alg and d.',
    );
  }
}

function localClient(
  stack: LocalStack,
  clientId: string | undefined,
  audience: string | undefined,
  scopes: readonly string[],
  anyOf: readonly string[],
): LocalClient {
  const known = stack.clients.map((client) => client.clientId).join(', ');
  if (clientId !== undefined) {
    const client = stack.clients.find((one) => one.clientId === clientId);
    if (client !== undefined) return client;
    throw new CliError(
      ExitCode.usage,
      'CLIENT_WITHOUT_KEY',
      `the local stack has no key for the client ${clientId}`,
      `Its clients are ${known}. For any other client pass its key file with --key FILE`,
    );
  }
  const candidates = stack.clients.filter(
    ({ audiences }) => Object.keys(audiences).length > 0 && (audience === undefined || audience in audiences),
  );
  const may = ({ audiences }: LocalClient, scope: string): boolean =>
    audiences[audience ?? '']?.includes(scope) === true;
  const preferred = anyOf.map((scope) => candidates.find((client) => may(client, scope)));
  const fitting =
    preferred.find((client) => client !== undefined) ??
    candidates.find((client) => scopes.every((scope) => may(client, scope))) ??
    candidates[0];
  if (fitting !== undefined) return fitting;
  throw new CliError(
    ExitCode.usage,
    'NO_CLIENT_FOR_AUDIENCE',
    `no client of the local stack may request the audience ${audience ?? ''}`,
    `Its audiences: ${[...new Set(stack.clients.flatMap(({ audiences }) => Object.keys(audiences)))].join(', ')}`,
  );
}

/**
 * Chooses the identity: the options, else a client of the local stack that may request the audience, and the scopes if one may.
 * @param anyOf scopes of which one is enough, the best first
 * @throws {CliError} saying which option is missing
 */
export function chooseIdentity(
  { issuer, clientId, key }: IdentityOptions,
  stack: LocalStack | undefined,
  audience?: string,
  scopes: readonly string[] = [],
  anyOf: readonly string[] = [],
): Identity {
  // Unchanged: the assertion's `aud` is compared with it character by character.
  const issuerUrl = issuer ?? stack?.urlOf('issuer');
  if (issuerUrl === undefined || (stack === undefined && (clientId === undefined || key === undefined))) {
    throw new CliError(
      ExitCode.usage,
      'NO_IDENTITY',
      'there is no local stack here, and the options do not name a client',
      'Start one (npm start), or pass all of --issuer URL --client-id ID --key FILE; or log in (countersign login) and add --person',
    );
  }
  if (clientId !== undefined && key !== undefined) {
    const known = stack?.clients.find((client) => client.clientId === clientId);
    return { issuer: issuerUrl, clientId, key: readKey(key), keyFile: key, audiences: known?.audiences };
  }
  if (key !== undefined || stack === undefined) {
    throw new CliError(ExitCode.usage, 'CLIENT_MISSING', '--key must be used together with --client-id');
  }
  const client = localClient(stack, clientId, audience, scopes, anyOf);
  return {
    issuer: issuerUrl,
    clientId: client.clientId,
    key: readKey(client.keyFile),
    keyFile: client.keyFile,
    audiences: client.audiences,
  };
}
