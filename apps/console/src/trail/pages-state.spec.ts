import { InfiniteQueryObserver, QueryClient } from '@tanstack/react-query';
import { asksByItself } from './pages-state.js';
import { pagesQuery } from './pages-query.js';

/** The server's answers, one after the other; the last one again and again. */
function answering(...answers: readonly (() => Response)[]) {
  const asked: string[] = [];
  jest.spyOn(globalThis, 'fetch').mockImplementation((input) => {
    asked.push(input instanceof Request ? input.url : String(input));
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    return answer === undefined ? Promise.reject(new Error('no answer')) : Promise.resolve(answer());
  });
  return asked;
}

afterEach(() => {
  jest.restoreAllMocks();
});

it('the next page that is refused is not asked for again and again, and comes when a person asks for it', async () => {
  const first = () => Response.json({ events: [], next_cursor: '7' });
  const last = () => Response.json({ events: [], next_cursor: null });
  const refused = () => Response.json({ code: 'TOO_MANY', detail: 'Wait.' }, { status: 429 });
  const asked = answering(first, refused, last);
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const pages = new InfiniteQueryObserver(queries, pagesQuery({}));
  const stop = pages.subscribe(() => undefined);
  await pages.refetch({ cancelRefetch: false });
  for (let times = 0; times < 5 && asksByItself(pages.getCurrentResult()); times += 1) await pages.fetchNextPage();
  expect(asked.length).toBe(2);
  expect(pages.getCurrentResult().error).toMatchObject({ code: 'TOO_MANY' });
  await pages.fetchNextPage();
  expect(pages.getCurrentResult()).toMatchObject({ error: null, hasNextPage: false });
  stop();
  queries.clear();
});
