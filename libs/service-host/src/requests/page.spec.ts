import { pageOf } from './page.js';

describe('a page of a list', () => {
  it('ends with the row after which the next page begins', () => {
    expect(pageOf(['a', 'b', 'c'], 2)).toEqual({ rows: ['a', 'b'], last: 'b' });
  });

  it.each([[[]], [['a']], [['a', 'b']]])('is the last one if no more was found: %j', (found) => {
    expect(pageOf(found, 2)).toEqual({ rows: found, last: undefined });
  });
});
