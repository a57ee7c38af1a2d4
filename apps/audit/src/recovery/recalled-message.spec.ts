import { eventOf } from '../testing/event-of.js';
import { recoveredEvents } from './recalled-message.js';

const noted = (note: string) => eventOf({ data: { changes: { note } } });
const saltsOf = (path: string, salt: string): string => JSON.stringify({ 1: { [path]: salt } });

describe('what a source sends back', () => {
  it('is taken with its place and its salts, from that source only', () => {
    const event = noted('plain');
    const read = (publisher: string) => recoveredEvents([event], '7', saltsOf('changes.note', 'c2FsdA'), publisher);
    expect(read('payments')).toEqual([{ index: 7n, event, salts: { 'changes.note': 'c2FsdA' } }]);
    expect(read('accounts')).toBeUndefined();
  });

  it('is left where the database could not store it: it would stop all that comes after it', () => {
    expect(recoveredEvents([noted('\u0000')], '7', '{}', 'payments')).toBeUndefined();
    expect(recoveredEvents([noted('\ud800')], '7', '{}', 'payments')).toBeUndefined();
    expect(recoveredEvents([noted('plain')], '7', saltsOf('changes.note', '\u0000'), 'payments')).toBeUndefined();
    expect(recoveredEvents([noted('plain')], '7', saltsOf('\u0000', 'c2FsdA'), 'payments')).toBeUndefined();
    expect(recoveredEvents([noted('x'.repeat(32 * 1024))], '7', '{}', 'payments')).toBeUndefined();
  });
});
