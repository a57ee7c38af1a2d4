import { z } from 'zod';

const recordSchema = z.looseObject({ level: z.number(), time: z.string(), msg: z.string() });
const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const hidden = new Set([
  'level',
  'time',
  'msg',
  'service',
  'name',
  'pid',
  'hostname',
  'method',
  'route',
  'status',
  'trace_id',
]);
const colours: Readonly<Record<string, string>> = { issuer: '35', payments: '36', accounts: '32', audit: '33' };

/** One service's JSON log line as a person reads it, its service in front. Lines that are not JSON stay as they are. */
export function readableLine(service: string, line: string, coloured: boolean): string {
  const name = service.padEnd(8);
  const prefix = coloured ? `\u001b[${colours[service] ?? '37'}m${name}\u001b[0m` : name;
  let record: z.infer<typeof recordSchema>;
  try {
    record = recordSchema.parse(JSON.parse(line));
  } catch {
    return `${prefix} | ${line}`;
  }
  const rest = Object.entries(record)
    .filter(([key]) => !hidden.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${prefix} | ${record.time.slice(11, 23)} ${(levels[record.level] ?? '').padEnd(5)} ${[record.msg, ...rest].join(' ')}`;
}
