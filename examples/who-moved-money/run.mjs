// `node examples/who-moved-money/run.mjs`: an auditor's questions, each answered by one command.
import { spawnSync } from 'node:child_process';
import { folder, root } from '../stack.mjs';

function ask(question, ...words) {
  const args = [`${root}apps/cli/bin/countersign.mjs`, ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, COUNTERSIGN_STACK: folder },
  });
  console.log(`\n${question}\n$ npx countersign ${words.join(' ')}\n${stdout}${stderr}`);
  if (status !== 0) process.exitCode = 1;
  return stdout;
}

const search = ['audit', 'search', '--limit', '5'];
ask('Who moved money?', ...search, '--action', 'transfers:create', '--source', 'accounts');
ask('What did payments do for others?', ...search, '--actor', 'payments');
ask('Who read accounts?', ...search, '--action', 'accounts:read');
ask('Who was refused?', ...search, '--outcome', 'denied');
const { events } = JSON.parse(
  spawnSync(
    process.execPath,
    [`${root}apps/cli/bin/countersign.mjs`, ...search, '--json', '--type', 'countersign.payments.payment.settled.v1'],
    { encoding: 'utf8', env: { ...process.env, COUNTERSIGN_STACK: folder } },
  ).stdout,
);
const txn = events[0]?.event.data.txn;
if (txn !== undefined) ask('Everything that one request caused, at all services?', ...search, '--txn', txn);
ask('And who has read the trail?', ...search, '--source', 'audit');
