import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateSigningKey, publicJwkOf } from '@countersign/auth-core';
import { nameProblem, namesOf } from './service-names.js';

export interface CreateOptions {
  readonly name: string;
  /** Where its folder is made; the folder has the service's name. */
  readonly directory: string;
  /** A folder of packed packages (`npm pack`) that stand in for those of the registry. */
  readonly packages?: string;
}

export interface CreatedService {
  readonly folder: string;
  readonly files: readonly string[];
}

const template = fileURLToPath(new URL('../template', import.meta.url));

/** Fills names into a text; an unknown one is a fault of the template. */
function filled(text: string, names: Readonly<Record<string, string>>): string {
  return text.replaceAll(/<%= (\w+) %>/g, (_, key: string) => {
    const value = names[key];
    if (value === undefined) throw new Error(`the template asks for ${key}`);
    return value;
  });
}

const pathOf = (file: string, names: Readonly<Record<string, string>>): string =>
  file
    .replaceAll(/__([a-zA-Z]+)__/g, (_, key: string) => names[key] ?? key)
    .replace(/\.template$/, '')
    .replace(/(^|\/)dot-/, '$1.');

/** The packed packages by their names: `countersign-auth-core-0.1.0.tgz` is `@countersign/auth-core`. */
function packedIn(folder: string): Readonly<Record<string, string>> {
  const tarballs = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  return Object.fromEntries(
    tarballs.flatMap((file) => {
      const part = /^countersign-(.+)-\d+\.\d+\.\d+.*\.tgz$/.exec(file)?.[1];
      return part === undefined ? [] : [[`@countersign/${part}`, `file:${join(resolve(folder), file)}`] as const];
    }),
  );
}

/** The manifest's text with the packed packages instead of versions; also for what these depend on. */
function withPackages(text: string, folder: string): string {
  const packed = packedIn(folder);
  const named = text.replaceAll(/"(@countersign\/[\w-]+)": "[^"]+"/g, (_, name: string) => {
    const own = packed[name];
    if (own === undefined) throw new Error(`${name} is not in ${folder}`);
    return `${JSON.stringify(name)}: ${JSON.stringify(own)}`;
  });
  return named.replace(/\n\}\n$/, `,\n  "overrides": ${JSON.stringify(packed)}\n}\n`);
}

/** The service as a client: its private key for itself, and what the issuer's clients file needs to know of it. */
async function identityOf(name: string): Promise<Readonly<Record<string, string>>> {
  const key = await generateSigningKey();
  const client = {
    client_id: name,
    jwks: { keys: [publicJwkOf(key)] },
    // What it may request for itself: audiences and scopes of the services that it calls.
    policy: { audiences: {} },
  };
  return {
    'secrets/client-key.json': `${JSON.stringify(key)}\n`,
    'deploy/client.json': `${JSON.stringify(client, undefined, 2)}\n`,
  };
}

/**
 * Creates a service in a new folder: from the same template as the workspace's generator, with a package, tests and its own key.
 * @throws {Error} if the name is not valid for a service, or the folder already exists
 */
export async function createService({ name, directory, packages }: CreateOptions): Promise<CreatedService> {
  const problem = nameProblem(name);
  if (problem !== undefined) throw new Error(`${name} ${problem}`);
  const folder = resolve(directory, name);
  if (existsSync(folder)) throw new Error(`${folder} already exists; choose another name, or remove it`);
  const names: Readonly<Record<string, string>> = { ...namesOf(name) };
  const files = new Map<string, string>();
  for (const entry of readdirSync(template, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const made = pathOf(file.slice(template.length + 1).replaceAll('\\', '/'), names);
    const text = filled(readFileSync(file, 'utf8'), names);
    files.set(made, made === 'package.json' && packages !== undefined ? withPackages(text, packages) : text);
  }
  for (const [file, text] of Object.entries(await identityOf(name))) files.set(file, text);
  writeWhole(folder, files);
  return { folder, files: [...files.keys()].sort() };
}

/** Writes next to the folder's final place and moves it there complete: a full disk leaves no half-written service. */
function writeWhole(folder: string, files: ReadonlyMap<string, string>): void {
  const draft = join(dirname(folder), `.${basename(folder)}-${randomUUID()}`);
  try {
    for (const [file, text] of files) {
      const path = join(draft, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text, file.startsWith('secrets/') ? { mode: 0o600 } : {});
    }
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
