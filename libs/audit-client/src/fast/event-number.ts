const [OBJECT, END_OF_OBJECT] = [...Buffer.from('{}')];
const NAME = Buffer.from('"sequence"');

// A schema would leave out a member called `__proto__`.
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The rare event that already has a number, or is not an object and so cannot have one: audit must not lose its place in the sequence. */
function renumbered(event: Buffer, sequence: string): string | undefined {
  const value: unknown = JSON.parse(event.toString());
  if (!isObject(value)) return JSON.stringify({ sequence, event: value });
  return Object.hasOwn(value, 'sequence') ? JSON.stringify({ ...value, sequence }) : undefined;
}

/**
 * An event with its number in it. It is cut as bytes, because nothing else in the relay reads the event: 1.0 instead of 4.8 µs per event, of the 10 to 12
 * that one costs the relay.
 * @param event as JSON in UTF-8
 */
export function withNumber(event: Buffer, sequence: bigint): Buffer {
  const number = sequence.toString();
  const rare = event[0] !== OBJECT || event.includes(NAME) ? renumbered(event, number) : undefined;
  if (rare !== undefined) return Buffer.from(rare);
  const others = event.subarray(1);
  return Buffer.concat([Buffer.from(`{"sequence":"${number}"${others[0] === END_OF_OBJECT ? '' : ','}`), others]);
}
