// For compose: makes every secret once and gives each service a folder with its own only. What is there stays; what a later version needs is added.
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generateIdentities } from './identities.js';
import { composeSecrets, identitiesFrom, SHARED_FOLDERS, type SecretFiles } from './compose-secrets.js';

/** The user that the service images run as. */
const SERVICE_USER = 1000;

/** Written beside and renamed, so that a service never reads half of it. */
function put(path: string, content: string, shared: boolean): boolean {
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return false;
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, content, { mode: shared ? 0o444 : 0o400, flag: 'wx' });
  if (!shared) chownSync(draft, SERVICE_USER, SERVICE_USER);
  renameSync(draft, path);
  return true;
}

function close(directory: string, shared: boolean): void {
  chmodSync(directory, shared ? 0o755 : 0o500);
  if (!shared) chownSync(directory, SERVICE_USER, SERVICE_USER);
}

async function writeAll(root: string): Promise<void> {
  const kept: SecretFiles = {
    read: (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined),
  };
  const identities = identitiesFrom(kept, await generateIdentities());
  for (const [folder, contents] of Object.entries(composeSecrets(identities, kept))) {
    const directory = join(root, folder);
    // PostgreSQL's and NATS's images choose their own users, and nobody else mounts their folders.
    const shared = SHARED_FOLDERS.has(folder);
    const written = Object.entries(contents.files).filter(([name, content]) =>
      put(join(directory, name), content, shared),
    );
    for (const name of contents.removed ?? []) rmSync(join(directory, name), { force: true });
    for (const name of new Set(Object.keys(contents.files).map((file) => dirname(file))))
      close(join(directory, name), shared);
    close(directory, shared);
    console.log(
      `identities: ${folder} (${String(written.length)} written, ${String(Object.keys(contents.files).length)} in all)`,
    );
  }
}

const [root] = process.argv.slice(2);
if (root === undefined) {
  console.error('usage: write-identities FOLDER');
  process.exitCode = 2;
} else {
  await writeAll(root);
}
