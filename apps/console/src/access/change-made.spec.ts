import { ApiProblem } from '../api/problem.js';
import { afterChange, isRefused } from './change-made.js';

describe('after a change', () => {
  it('shows a one-time secret immediately, while the lists are still loading', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const queries = { invalidateQueries: jest.fn(() => promise) };
    const close = jest.fn();
    await afterChange(queries, { client_secret: 'once' }, close);
    await afterChange(queries, { api_key: 'once' }, close);
    expect([queries.invalidateQueries.mock.calls.length, close.mock.calls.length]).toEqual([2, 0]);
    const without = afterChange(queries, {}, close);
    expect(close).not.toHaveBeenCalled();
    resolve(undefined);
    await without;
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('only what was refused is known not to be made', () => {
    expect([403, 0, 503, 200].map((status) => isRefused(new ApiProblem(status, 'X', 'x')))).toEqual([
      ...[true, false, false, false],
    ]);
  });
});
