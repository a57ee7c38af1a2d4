import { type Command } from 'commander';
import { z } from 'zod';
import { table } from '../output.js';
import { noteMore, readPages } from '../pages.js';
import { callAdmin } from '../session/admin.js';
import { openSession } from '../session/session.js';

const personSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  provider: z.string(),
  roles: z.array(z.string()),
  status: z.string(),
  signed_in_at: z.string(),
});
const pageSchema = z.object({ people: z.array(personSchema), next_cursor: z.string().nullable() });
const detailSchema = personSchema.extend({
  sessions: z.array(z.looseObject({ id: z.string(), device: z.string(), network: z.string(), seen_at: z.string() })),
  delegations: z.array(
    z.looseObject({ id: z.string(), client_id: z.string(), audience: z.string(), scope: z.string() }),
  ),
  more_sessions: z.boolean().optional(),
  more_delegations: z.boolean().optional(),
});
const more = 'There are more than these.';

const pathOf = (person: string, rest = ''): string => `/admin/people/${encodeURIComponent(person)}${rest}`;

function rowOf({ id, name, provider, roles, status, signed_in_at: at }: z.infer<typeof personSchema>): string[] {
  return [id, name, status, roles.join(' '), provider, at];
}
const titles = ['person', 'name', 'status', 'roles', 'provider', 'last signed in'];

/** `countersign people list`. */
export async function listPeople(
  { limit, role }: { readonly limit: number; readonly role?: string },
  command: Command,
): Promise<void> {
  const session = openSession(command);
  const { items: people, next } = await readPages(limit, async (page) => {
    const query = new URLSearchParams({ ...page, ...(role === undefined ? {} : { role }) });
    const answer = await callAdmin(session, pageSchema, { path: `/admin/people?${query.toString()}` });
    return { items: answer.people, next: answer.next_cursor };
  });
  const shown = table(titles, people.map(rowOf), 'Nobody has signed in.');
  session.output.result({ ok: true, people, next_cursor: next }, shown);
  noteMore(session.output, next);
}

async function show(request: { path: string; method?: string }, command: Command): Promise<void> {
  const session = openSession(command);
  const person = await callAdmin(session, detailSchema, request);
  const sessions = person.sessions.map(({ id, device, network, seen_at: seen }) => [id, device, network, seen]);
  const allowed = person.delegations.map(({ id, client_id: client, audience, scope }) => [id, client, audience, scope]);
  const text = [
    table(titles, [rowOf(person)]),
    table(['session', 'device', 'network', 'last seen'], sessions, 'No live sessions.'),
    ...(person.more_sessions === true ? [more] : []),
    table(['allowed', 'application', 'service', 'scopes'], allowed, 'Nothing is allowed.'),
    ...(person.more_delegations === true ? [more] : []),
  ];
  session.output.result({ ok: true, ...person }, text.join('\n\n'));
}

/** `countersign people show`. */
export function showPerson(person: string, _: object, command: Command): Promise<void> {
  return show({ path: pathOf(person) }, command);
}

/** `countersign people end-session`. */
export function endSession(person: string, session: string, _: object, command: Command): Promise<void> {
  return show({ path: pathOf(person, `/sessions/${encodeURIComponent(session)}/end`), method: 'POST' }, command);
}

/** A change to a person as a whole; shows what remains. */
export function changePerson(verb: 'end-sessions' | 'disable' | 'enable') {
  return (person: string, _: object, command: Command): Promise<void> =>
    show({ path: pathOf(person, `/${verb}`), method: 'POST' }, command);
}
