import { natsServices, type NatsService } from '@countersign/backing-services';
import { Lab } from './lab.js';
import { playMatrix, type Cell } from './matrix.js';
import { type Walls } from './walls.js';
import { ways } from './ways.js';

async function reachedBehind(walls: Walls, attackers: readonly NatsService[] = natsServices): Promise<readonly Cell[]> {
  const lab = await Lab.start(walls);
  try {
    return (await playMatrix(lab, attackers)).filter(({ reached }) => reached);
  } finally {
    await lab.stop();
  }
}

describe("a service's NATS credentials", () => {
  it("reach nothing of another service's: publish, reply subject, republish, mirror, source, deliver subject", async () => {
    expect(await reachedBehind('both')).toEqual([]);
  }, 180_000);

  it('reach nothing even with unlimited permissions in their own account', async () => {
    expect(await reachedBehind('accounts')).toEqual([]);
  }, 180_000);

  it('reach others in every one of these ways where all services share an account, permissions or not', async () => {
    const reached = await reachedBehind('permissions', ['payments', 'audit']);
    expect(reached).toContainEqual(
      expect.objectContaining({ attacker: 'payments', way: 'reply subject', subject: 'audit.accounts.forged' }),
    );
    expect(reached).toContainEqual(
      expect.objectContaining({ attacker: 'audit', way: 'republish', subject: '$KV.revocations.token.forged' }),
    );
    expect([...new Set(reached.map(({ way }) => way))].toSorted()).toEqual(ways.map(({ name }) => name).toSorted());
  }, 180_000);
});
