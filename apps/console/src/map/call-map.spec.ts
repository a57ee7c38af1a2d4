import fc from 'fast-check';
import { pictureOf, volumeOf, type Calls } from './call-map.js';

const calls = (caller: string | null, callee: string, allowed = 1, denied = 0): Calls => ({
  caller,
  callee,
  allowed,
  denied,
  failed: 0,
  times: null,
});

describe('the picture of who calls whom', () => {
  it('has callers to the left, and each service behind those that call it', () => {
    const { nodes, edges } = pictureOf([
      calls('shop', 'payments', 90, 10),
      calls('payments', 'accounts', 40),
      calls(null, 'accounts', 0, 5),
    ]);
    const xOf = (name: string): number => nodes.find((node) => node.name === name)?.x ?? Number.NaN;
    expect(xOf('shop')).toBe(xOf(''));
    expect(xOf('payments')).toBeGreaterThan(xOf('shop'));
    expect(xOf('accounts')).toBeGreaterThan(xOf('payments'));
    expect(edges.map(({ refused }) => refused)).toEqual([0.1, 0, 1]);
    expect(edges[0]?.width).toBeGreaterThan(edges[1]?.width ?? Infinity);
  });

  it('draws every pair once, without two nodes in one place, whatever calls whatever', () => {
    const anyName = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const anyCalls = fc.uniqueArray(
      fc.record({ caller: fc.option(anyName), callee: anyName, allowed: fc.nat(), denied: fc.nat() }),
      { selector: ({ caller, callee }) => `${String(caller)} ${callee}`, maxLength: 20 },
    );
    fc.assert(
      fc.property(anyCalls, (made) => {
        const all = made.map(({ caller, callee, allowed, denied }) => calls(caller, callee, allowed, denied));
        const { nodes, edges, width, height } = pictureOf(all);
        expect(edges).toHaveLength(all.filter((one) => volumeOf(one) > 0).length);
        expect(new Set(nodes.map(({ x, y }) => `${String(x)} ${String(y)}`)).size).toBe(nodes.length);
        for (const { x, y } of nodes) expect(x < width && y < height).toBe(true);
      }),
    );
  });
});
