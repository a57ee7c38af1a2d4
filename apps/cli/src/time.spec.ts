import { Command } from 'commander';
import fc from 'fast-check';
import { noteTimes, timeOf, timeOption } from './time.js';

describe('a time on the command line', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');

  it.each([
    ['-2h', '2026-01-01T22:00:00.000Z'],
    ['2h', '2026-01-01T22:00:00.000Z'],
    ['-7d', '2025-12-26T00:00:00.000Z'],
    ['-90s', '2026-01-01T23:58:30.000Z'],
    ['2026-11-25', '2026-11-25T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-01-01T10:00:00Z', '2026-01-01T10:00:00.000Z'],
    ['2026-01-01t10:00:00z', '2026-01-01T10:00:00.000Z'],
    ['2026-01-01 10:00:00Z', '2026-01-01T10:00:00.000Z'],
    ['2026-01-01T10:00:00+02:00', '2026-01-01T08:00:00.000Z'],
    ['2026-01-01T10:00:00-05:30', '2026-01-01T15:30:00.000Z'],
    ['2026-01-01T10:00:00.5Z', '2026-01-01T10:00:00.500Z'],
    ['2026-01-01T10:00:00.1699Z', '2026-01-01T10:00:00.170Z'],
    ['2026-01-01T23:59:59.9999Z', '2026-01-02T00:00:00.000Z'],
  ])("%s is %s, whatever the machine's zone", (said, understood) => {
    expect(timeOf(said, now)).toBe(understood);
  });

  it.each([
    'yesterday',
    '',
    '90',
    '2026',
    '2026-11',
    '2026-11-26 14:00',
    '2026-11-26T14:00',
    '2026-11-26T14:00:00',
    '2026-02-30',
    '2026-02-29T10:00:00Z',
    '2026-13-01',
    '2026-01-01T24:00:00Z',
    '2026-01-01T10:60:00Z',
    '2026-01-01T10:00:60Z',
    '2026-01-01T10:00:00+24:00',
    '2026-01-01T10:00:00+0200',
    '2026-01-01T10:00:00.Z',
    '26 Nov 2026',
    '2026-330',
    '+2h',
    '-2w',
    '-h',
    '2026-11-25T10:00:00Z ',
  ])('%j is refused with what to write instead', (said) => {
    expect(() => timeOf(said, now)).toThrow(/Use a time with its zone .* a date .* or a time ago/);
  });

  it('is read the same as it is printed', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') }), (time) => {
        expect(timeOf(time.toISOString(), now)).toBe(time.toISOString());
      }),
    );
  });

  it('is shown as it was understood', () => {
    const notes: string[] = [];
    const command = new Command()
      .addOption(timeOption('--from <time>', 'events at or after this time'))
      .addOption(timeOption('--to <time>', 'events before this time'))
      .option('--text <words>', 'words')
      .action((_options: object, self: Command) => {
        noteTimes(self, { note: (text) => notes.push(text) });
      });
    command.parse(['--from', '2026-11-25', '--text', 'x'], { from: 'user' });
    expect(notes).toEqual(['--from 2026-11-25T00:00:00.000Z']);
    notes.length = 0;
    command.parse(['--from', '-2h'], { from: 'user' });
    expect(notes[0]).toMatch(/^--from \d{4}-/);
  });
});
