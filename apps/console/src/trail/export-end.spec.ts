import fc from 'fast-check';
import { exportEndOf, LastLine } from './export-end.js';

const end = (complete: boolean) => ({
  events: 3,
  complete,
  next_cursor: complete ? null : '17',
  checkpoint: 'a\nb',
  skipped: {},
});
const ndjson = (complete: boolean): string => JSON.stringify({ end: end(complete) });
const csv = (complete: boolean): string => `#end,,,"${JSON.stringify(end(complete)).replaceAll('"', '""')}"`;

describe('the end of an export', () => {
  it('says whether all of it is there', () => {
    for (const line of [ndjson, csv]) {
      expect([exportEndOf(line(true)), exportEndOf(line(false))]).toEqual(['complete', 'partial']);
    }
  });

  it('is missing where the export was cut off, whatever its last event says', () => {
    const event = JSON.stringify({ log_index: '3', event: { data: { changes: end(false) } } });
    for (const line of ['', event, event.slice(0, 20), ndjson(false).slice(0, 30), `3,a,b,"${ndjson(true)}"`])
      expect([line, exportEndOf(line)]).toEqual([line, 'cut-off']);
  });

  it('is found however the text is cut into parts', () => {
    const bytes = new TextEncoder().encode(`{"start":1}\r\n{"é":"😀"}\r\n${ndjson(false)}\r\n`);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
        const last = new LastLine();
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        for (const [at, place] of places.entries()) last.add(bytes.slice(place, places[at + 1] ?? bytes.length));
        expect(last.text).toBe(ndjson(false));
      }),
    );
  });
});
