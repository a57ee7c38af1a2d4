import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Each room, and the rooms that its files import from. */
export type Arrows = ReadonlyMap<string, ReadonlySet<string>>;

/** Tables of several rooms' statements that no `.tables.ts` declares: the room whose they are. The rest are of the one room that names them. */
const homes: ReadonlyMap<string, string> = new Map([
  ['client_assertion', 'authentication'],
  ['log_retention', 'log'],
  ['log_sequence', 'log'],
  ['log_tile', 'log'],
  ['log_unintegrated', 'log'],
  ['masked_value', 'masking'],
  ['refresh_family', 'refresh'],
  ['registry', 'registry'],
  ['source_progress', 'log'],
]);

/**
 * The rooms of a project, and what each needs of the others: imports, and tables that a store's SQL names. A folder under `src` is a room with all
 * that is below it; a file directly in `src` is a room by itself. Specs and test worlds do not count: they may use whatever they test.
 * @param project its folder, absolute
 * @throws {Error} for a table of several rooms of which it is not known whose it is
 */
export const roomsOf = (project: string): Arrows => arrowsOf(project, roomOf);

/** Like {@link roomsOf}, with each folder below a room as a separate room. */
export const foldersOf = (project: string): Arrows =>
  arrowsOf(project, (file) => (file.includes('/') ? dirname(file) : roomOf(file)));

function arrowsOf(project: string, roomOf: (file: string) => string): Arrows {
  const source = join(project, 'src');
  const files = globSync('**/*.{ts,tsx}', { cwd: source }).filter(
    (file) => !file.endsWith('.spec.ts') && !file.startsWith('testing/'),
  );
  const arrows = new Map<string, Set<string>>();
  for (const file of files) {
    const from = roomOf(file);
    const to = arrows.get(from) ?? new Set();
    arrows.set(from, to);
    for (const [, path = ''] of readFileSync(join(source, file), 'utf8').matchAll(/from '(\.[^']+)'/g)) {
      const room = roomOf(join(dirname(file), path));
      if (room !== from) to.add(room);
    }
  }
  for (const [room, tables] of tablesNamedIn(project, files, roomOf))
    for (const home of tables) if (home !== room) arrows.get(room)?.add(home);
  return arrows;
}

/** Names of the tables that the project's own migrations make. */
function tablesOf(project: string): readonly string[] {
  const migrations = globSync('migrations/*.sql', { cwd: project }).map((file) =>
    readFileSync(join(project, file), 'utf8'),
  );
  return migrations.flatMap((text) => [...text.matchAll(/^CREATE TABLE (\w+)/gm)].map(([, table = '']) => table));
}

/** Each room whose stores name tables in SQL, and the rooms whose these tables are. */
function tablesNamedIn(
  project: string,
  files: readonly string[],
  roomOf: (file: string) => string,
): ReadonlyMap<string, ReadonlySet<string>> {
  const read = (file: string): string =>
    readFileSync(join(project, 'src', file), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '');
  const stores = files.filter((file) => file.endsWith('.store.ts')).map((file) => [roomOf(file), read(file)] as const);
  const declarations = files
    .filter((file) => file.endsWith('.tables.ts'))
    .map((file) => [roomOf(file), read(file)] as const);
  const named = new Map<string, Set<string>>();
  for (const table of tablesOf(project)) {
    const inSql = new RegExp(`\\b(?:from|join|into|update) ${table}\\b`);
    const rooms = new Set(stores.filter(([, text]) => inSql.test(text)).map(([room]) => room));
    const [declared] = declarations.find(([, text]) => text.includes(`'${table}'`)) ?? [homes.get(table)];
    const [only, another] = rooms;
    const home = declared ?? (another === undefined ? only : undefined);
    if (home === undefined && rooms.size > 0)
      throw new Error(`whose table is ${table}? ${[...rooms].join(', ')} name it`);
    for (const room of rooms) named.set(room, (named.get(room) ?? new Set()).add(home ?? room));
  }
  return named;
}

function roomOf(file: string): string {
  const [first = file, ...rest] = file.split('/');
  return rest.length === 0 ? first.replace(/\.js$/, '.ts') : first;
}

/** Sets of rooms that reach each other (strongly connected components of more than one), each sorted. */
export function ringsOf(arrows: Arrows): readonly (readonly string[])[] {
  const reach = new Map([...arrows.keys()].map((room) => [room, reachableFrom(room, arrows)]));
  const rings = new Set<string>();
  for (const [room, others] of reach) {
    const ring = [...others].filter((other) => reach.get(other)?.has(room) === true);
    if (ring.length > 1) rings.add(ring.sort().join(' '));
  }
  return [...rings].map((ring) => ring.split(' '));
}

function reachableFrom(room: string, arrows: Arrows): Set<string> {
  const seen = new Set<string>();
  const next = [room];
  for (let at = next.pop(); at !== undefined; at = next.pop()) {
    for (const to of arrows.get(at) ?? []) {
      if (seen.has(to)) continue;
      seen.add(to);
      next.push(to);
    }
  }
  return seen;
}
