import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { loadReportSchema, type LoadOrder, type LoadReport } from './load.js';

/** Has the load child run one order. */
export async function runLoad(load: ChildProcess, order: LoadOrder): Promise<LoadReport> {
  load.send(order);
  const [answer]: unknown[] = await once(load, 'message');
  const report = loadReportSchema.parse(answer);
  if (report.failed !== '') throw new Error(`a request got no token:\n${report.failed.slice(0, 1_000)}`);
  return report;
}
