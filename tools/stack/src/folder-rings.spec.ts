import { globSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { foldersOf, ringsOf, roomsOf } from './folder-rings.js';

const root = resolve(import.meta.dirname, '../../..');
const projects = globSync('{apps,libs,tools,examples}/*/package.json', { cwd: root }).map(dirname);

describe('the folders of a project', () => {
  it('are found to form a ring when each reaches the other, over others too', () => {
    const arrows = new Map([
      ['a', new Set(['b'])],
      ['b', new Set(['c', 'd'])],
      ['c', new Set(['a'])],
      ['d', new Set<string>()],
    ]);
    expect(ringsOf(arrows)).toEqual([['a', 'b', 'c']]);
    expect(
      ringsOf(
        new Map([
          ['a', new Set(['b'])],
          ['b', new Set<string>()],
        ]),
      ),
    ).toEqual([]);
  });

  it('need the rooms whose tables their SQL names', () => {
    const arrows = roomsOf(join(root, 'apps/issuer'));
    expect([...(arrows.get('described-clients') ?? [])].sort()).toEqual([
      'authorization',
      'delegations',
      'device',
      'registry',
    ]);
  });

  it.each(projects)('form no ring in %s', (project) => {
    expect(ringsOf(roomsOf(join(root, project)))).toEqual([]);
  });

  it.each(projects)('form no ring in %s with a folder below them', (project) => {
    expect(ringsOf(foldersOf(join(root, project)))).toEqual([]);
  });
});
