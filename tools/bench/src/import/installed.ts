import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Installed {
  readonly folder: string;
  /** Packages that came, itself among them. */
  readonly packages: number;
  readonly bytes: number;
}

const npm = (given: readonly string[], cwd: string): string =>
  execFileSync('npm', [...given, '--loglevel=error'], { cwd, encoding: 'utf8' });

/** The tarball of a library of this workspace, as npm would publish it. */
export function packed(library: string, folder: string): string {
  const [name = ''] = npm(['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], library)
    .trim()
    .split('\n')
    .slice(-1);
  return `file:${join(folder, name)}`;
}

const isPackage = (folder: string): boolean =>
  statSync(join(folder, 'package.json'), { throwIfNoEntry: false }) !== undefined;

/** Installs only a package, without its peers, which an application has anyway. @param own tarballs of this workspace by name */
export function installed(name: string, own: Readonly<Record<string, string>>, parent: string): Installed {
  const folder = join(parent, name.replace(/\W+/g, '-'));
  mkdirSync(folder, { recursive: true });
  const dependencies = { [name]: own[name] ?? '*' };
  const manifest = { private: true, dependencies, ...(name in own ? { overrides: own } : {}) };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  npm(['install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', '--legacy-peer-deps'], folder);
  const modules = join(folder, 'node_modules');
  let packages = 0;
  let bytes = 0;
  for (const path of readdirSync(modules, { recursive: true, encoding: 'utf8' })) {
    const full = join(modules, path);
    const found = statSync(full);
    if (found.isFile()) bytes += found.size;
    else if (isPackage(full) && /(?:^|node_modules\/)(?:@[^/]+\/)?[^/@.][^/]*$/.test(path)) packages += 1;
  }
  return { folder, packages, bytes };
}
