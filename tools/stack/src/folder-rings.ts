import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Each room, and the rooms that its files import from. */
export type Arrows = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The rooms of a project and the imports between them. A folder under `src` is a room with all that is below it; a file directly in `src` is a
 * room by itself. Specs and test worlds do not count: they may use whatever they test.
 * @param project its folder, absolute
 */
export const roomsOf = (project: string): Arrows => arrowsOf(project, roomOf);

/** Like {@link roomsOf}, with each folder below a room as a room of its own files. */
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
  return arrows;
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
