// `expect` that makes only the matcher that is asked for. Jest's own makes each of its forty matchers in six forms for every call, and an error with its
// stack in case one of them waits for a promise: two fifths of the processor time of a spec that checks thousands of values.
const SHARED = Symbol.for('$$jest-matchers-object');
/** The forms that wait for a promise: their error shows where `expect` was called. */
const promised = new Set(['resolves', 'rejects']);

/** What Jest's `expect` gives while it knows one matcher. */
function made(expect, given, matcher, within) {
  const shared = globalThis[SHARED];
  const { matchers } = shared;
  const { stackTraceLimit } = Error;
  if (!promised.has(within)) Error.stackTraceLimit = 0;
  shared.matchers = { [matcher]: matchers[matcher] };
  try {
    return expect(...given);
  } finally {
    shared.matchers = matchers;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const has = (name) => name in globalThis[SHARED].matchers;
/** The matchers of one form, such as those of `not`. @param found gives them while one is known */
const form = (found, more = {}) => new Proxy(more, { get: (_, name) => (has(name) ? found(name)[name] : more[name]) });

/** @param expect Jest's own */
export function withOneMatcher(expect) {
  const asked = (...given) => {
    if (given.length > 1) return expect(...given);
    const plain = (name) => made(expect, given, name);
    const waiting = (which) => {
      const known = (name) => made(expect, given, name, which)[which];
      return form(known, { not: form((name) => known(name).not) });
    };
    return new Proxy(
      {},
      {
        get(_, name) {
          if (has(name)) return plain(name)[name];
          if (name === 'not') return form((matcher) => plain(matcher).not);
          return promised.has(name) ? waiting(name) : undefined;
        },
      },
    );
  };
  return new Proxy(asked, {
    get: (_, name) => expect[name],
    set: (_, name, value) => Reflect.set(expect, name, value),
  });
}
