import { type JudgingCatalogue } from '@countersign/test-kit';

const codesIn = (cell: string): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
/** A list of members: `` `shown`: how many; `search`: the filters ``. */
const membersIn = (cell: string): Readonly<Record<string, string>> =>
  Object.fromEntries([...cell.matchAll(/(?:^|; )`([^`]+)`: ([^;]*)/g)].map(([, name = '', text = '']) => [name, text]));

/** Whether an event names who did it, by who may see it. */
const principalOf = (readers: string): 'always' | 'sometimes' | 'never' =>
  !readers.includes('its principal') ? 'never' : readers.includes('if it has one') ? 'sometimes' : 'always';

const rowsOf = (section: string, head: string): readonly (readonly string[])[] =>
  section
    .split('\n\n')
    .filter((table) => table.replaceAll(/ +/g, ' ').startsWith(head))
    .flatMap((table) => table.split('\n').slice(2))
    .map((row) => row.split('|').map((cell) => cell.trim()))
    .map(([, ...cells]) => cells);

/** What docs/events.md says that each service records, by its name. A spec in each app holds the page to the app's catalogue. */
export function documentedEvents(page: string): ReadonlyMap<string, JudgingCatalogue> {
  const sections = [...page.matchAll(/<!-- ([a-z-]+) -->\n(.*?)<!-- \/\1 -->/gs)];
  return new Map(
    sections.map(([, source = '', section = '']) => {
      const events = rowsOf(section, '| event |').map(
        ([name = '', when = '', action = '', resource = '', changes = '', readers = '']) => [
          codesIn(name)[0] ?? '',
          {
            when,
            action: codesIn(action),
            resource: codesIn(resource),
            changes: membersIn(changes),
            principal: principalOf(readers),
          },
        ],
      );
      const kinds = rowsOf(section, '| kind of resource |').map(([kind = '', id = '']) => [codesIn(kind)[0] ?? '', id]);
      return [
        source,
        { source, prefix: 'countersign', kinds: Object.fromEntries(kinds), events: Object.fromEntries(events) },
      ];
    }),
  );
}
