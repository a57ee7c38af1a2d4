import { setTimeout as delay } from 'node:timers/promises';
import { countersign } from '@countersign/stack';
import { backUp, restore } from './database-restored.js';
import { type Fault } from './fault.js';
import { between } from './random.js';

/**
 * Payments is copied under load, accounts after it, and both are restored, as docs/operations.md has it: no client is let in before `countersign
 * payments reconcile --repair` has recreated the difference between the copies.
 */
export const restorePayments: Fault = {
  name: 'restore-payments',
  drill: 'restore',
  relearns: true,
  async strike({ stack, random, struck, wrong, load }) {
    await delay(between(random, 500, 1_000));
    await backUp(stack, 'payments');
    await delay(between(random, 2_000, 3_000));
    // Some then lie between the copies, and not only those that were in progress.
    await load.further(3);
    // Anything after the second copy would be lost permanently, and the money check would report it.
    await load.pause();
    try {
      await backUp(stack, 'accounts');
      await Promise.all([stack.stopService('payments', 'SIGKILL'), stack.stopService('accounts', 'SIGKILL')]);
      await Promise.all([restore(stack, 'payments'), restore(stack, 'accounts')]);
      struck();
      await stack.startService('accounts');
      await stack.startService('payments');
      const ledger = await countersign(stack, 'ledger', 'check');
      if (ledger.code !== 0) wrong(`the restored ledger is not whole: ${ledger.said}${ledger.out}`);
      const found = await countersign(stack, 'payments', 'reconcile');
      if (found.code === 0) wrong('nothing lay between the copies, so that the drill shows nothing');
      const repaired = await countersign(stack, 'payments', 'reconcile', '--repair');
      if (repaired.code !== 0) wrong(`countersign payments reconcile --repair failed: ${repaired.said}${repaired.out}`);
    } finally {
      load.resume();
    }
  },
};
