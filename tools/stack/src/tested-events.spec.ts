import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { documentedEvents } from './documented-events.js';

const root = resolve(import.meta.dirname, '../../..');
const specs = globSync('{apps,libs,tools}/*/src/**/*.spec.ts', { cwd: root }).map((path) => ({
  path,
  text: readFileSync(resolve(root, path), 'utf8'),
}));

const EVERY_SERVICE = 'every-service';

/** A name in quotes, by itself or with its outcome, in a spec of the same service; or the whole type anywhere. */
function isNamed(source: string, name: string): boolean {
  const escaped = name.replaceAll('.', '\\.');
  const type = new RegExp(`countersign\\.${source === EVERY_SERVICE ? '[a-z-]+' : source}\\.${escaped}\\.v1`);
  const own = new RegExp(`['"\`%](?:${source}\\.)?${escaped}(?:\\.v1)?(?: (?:allowed|denied|failed))?['"\`]`);
  return specs.some(({ path, text }) => type.test(text) || (path.startsWith(`apps/${source}/`) && own.test(text)));
}

describe('each event of each catalogue', () => {
  const documented = documentedEvents(readFileSync(resolve(root, 'docs/events.md'), 'utf8'));

  it.each([...documented])('of %s is named by a spec that causes it', (source, { events }) => {
    expect(Object.keys(events).length).toBeGreaterThan(source === EVERY_SERVICE ? 1 : 10);
    expect(Object.keys(events).filter((name) => !isNamed(source, name))).toEqual([]);
  });
});
