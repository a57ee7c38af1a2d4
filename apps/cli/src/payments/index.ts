import { type Command } from 'commander';
import { register as registerReconcile } from './reconcile.js';

/** `countersign payments …`: the payments service. */
export function register(program: Command): void {
  registerReconcile(
    program
      .command('payments')
      .summary('compare payments with the ledger')
      .description('Compares payments with the ledger of accounts.'),
  );
}
