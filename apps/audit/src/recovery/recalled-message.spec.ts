import { eventOf } from '../testing/event-of.js';
import { recoveredEvents } from './recalled-message.js';

const noted = (note: string) => eventOf({ data: { changes: { note } } });
const saltsOf = (path: string, salt: string): string => JSON.stringify({ 1: { [path]: salt } });

describe('what a source sends back', () => {
  it('is accepted with its place and its salts, from that source only', () => {
    const event = noted('plain');
    const read = (publisher: string) => recoveredEvents([event], '7', saltsOf('changes.note', 'c2FsdA'), publisher);
    expect(read('payments')).toEqual([{ index: 7n, event, salts: { 'changes.note': 'c2FsdA' } }]);
    expect(read('accounts')).toBeUndefined();
  });

  it('is skipped if the database cannot store it: it would block everything after it', () => {
    expect(recoveredEvents([noted('\u0000')], '7', '{}', 'payments')).toBeUndefined();
    expect(recoveredEvents([noted('\ud800')], '7', '{}', 'payments')).toBeUndefined();
    expect(recoveredEvents([noted('plain')], '7', saltsOf('changes.note', '\u0000'), 'payments')).toBeUndefined();
    expect(recoveredEvents([noted('plain')], '7', saltsOf('\u0000', 'c2FsdA'), 'payments')).toBeUndefined();
    expect(recoveredEvents([noted('x'.repeat(32 * 1024))], '7', '{}', 'payments')).toBeUndefined();
  });

  it('is skipped if it is nested deeper than the log accepts, or than JavaScript can serialise', () => {
    const json = JSON.stringify([noted('DEEP')]);
    const salts = [
      '{}',
      saltsOf('changes', 'c2FsdA'),
      saltsOf('changes.note', 'c2FsdA'),
      saltsOf('request.peer', 'c2FsdA'),
    ];
    for (const levels of [60, 100, 3_000, 5_000, 6_000, 7_000, 8_000, 100_000]) {
      const events: unknown = JSON.parse(json.replace('"DEEP"', '['.repeat(levels) + ']'.repeat(levels)));
      const isTaken = (of: string) => recoveredEvents(events, '7', of, 'payments') !== undefined;
      expect([levels, salts.map(isTaken)]).toEqual([levels, salts.map(() => levels === 60)]);
    }
  });
});
