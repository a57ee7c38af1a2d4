import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { loadReportSchema, type LoadOrder, type LoadReport } from './load-order.js';

/** Has the load child run one order. @throws when a request got no token, or the child ended */
export async function runLoad(load: ChildProcess, order: LoadOrder): Promise<LoadReport> {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(load, 'exit', { signal }).then(() => {
    throw new Error('the load ended; its output says why');
  });
  load.send(order);
  try {
    const [answer]: unknown[] = await Promise.race([once(load, 'message', { signal }), ended]);
    const report = loadReportSchema.parse(answer);
    if (report.failed !== '') throw new Error(`a request got no token:\n${report.failed.slice(0, 1_000)}`);
    return report;
  } finally {
    ended.catch(() => undefined);
    settled.abort();
  }
}
