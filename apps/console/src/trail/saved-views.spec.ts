import { trailSearchOf } from '../filters/trail-search.js';
import { keepView, keptViews } from './saved-views.js';

const search = trailSearchOf({ client: 'shop' });
const named = (name: string) => ({ name, search });
const namesOf = (views: readonly { readonly name: string }[]) => views.map(({ name }) => name);

afterEach(() => {
  Reflect.deleteProperty(globalThis, 'localStorage');
});

function browserKeeps(storage: Pick<Storage, 'getItem' | 'setItem'>): void {
  Object.defineProperty(globalThis, 'localStorage', { value: storage, configurable: true });
}

it('a view that one tab keeps takes away none that another tab kept in the meantime', () => {
  const kept = new Map<string, string>();
  browserKeeps({ getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => void kept.set(key, text) });
  const [one, other] = [keptViews(), keptViews()];
  keepView(one, named('mine'));
  expect(namesOf(keepView(other, named('theirs')))).toEqual(['theirs', 'mine']);
  expect(namesOf(keptViews())).toEqual(['theirs', 'mine']);
});

it('views are there until the page is left in a browser that keeps nothing', () => {
  const refuse = (): never => {
    throw new DOMException('no', 'SecurityError');
  };
  browserKeeps({ getItem: refuse, setItem: refuse });
  expect(namesOf(keepView(keepView([], named('first')), named('second')))).toEqual(['second', 'first']);
});
