// A child process of the keys benchmark: sends requests to one route with one key whenever its parent orders it to, and reports how it was answered.
// It stays the same process, so no figure contains its start.
import { Run } from './load-run.js';
import { orderSchema } from './order.js';

process.on('message', (message) => {
  const run = new Run(orderSchema.parse(message), (report) => process.send?.(report));
  void run;
});
process.on('disconnect', () => process.exit(0));
