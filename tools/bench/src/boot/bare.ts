import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@countersign/backing-services';
import { pathOf } from '../processes.js';
import { type Bootable } from './time-to-ready.js';

/** As Nest's documentation starts it; with what Node keeps compiled, as our services have it; and with that and bundled as they are. */
export const bareForms = ['bare', 'bare, compiled', 'bare, compiled and bundled'] as const;
export type BareForm = (typeof bareForms)[number];

export interface BareApplication {
  readonly forms: Readonly<Record<BareForm, Bootable>>;
  /** Removes what was made for it. */
  stop(): void;
}

/** A Nest application on Fastify with one route. */
export async function bareApplication(): Promise<BareApplication> {
  const folder = mkdtempSync(join(tmpdir(), 'boot-bare-'));
  const program = pathOf('boot/bare-nest.js');
  const { status, stderr } = spawnSync(
    process.execPath,
    [pathOf('../../bundle.mjs'), program, join(folder, 'bundled')],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`the bare application could not be bundled: ${stderr}`);
  const port = String(await freePort());
  const form = (file: string, compiled: string | undefined): Bootable => ({
    program: file,
    environment: { PORT: port, ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: join(folder, compiled) }) },
    readyUrl: `http://127.0.0.1:${port}/ready`,
  });
  return {
    forms: {
      bare: form(program, undefined),
      'bare, compiled': form(program, 'compiled'),
      'bare, compiled and bundled': form(join(folder, 'bundled/main.js'), 'compiled-bundled'),
    },
    stop: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
