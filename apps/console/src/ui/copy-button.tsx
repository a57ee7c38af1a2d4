import { useEffect, useState } from 'react';

/** Copies a text to the clipboard, and confirms it. */
export function CopyButton({ text, children }: { readonly text: string; readonly children: string }) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => {
      setState('idle');
    }, 2_500);
    return () => {
      clearTimeout(timer);
    };
  }, [state]);
  const copy = async (): Promise<void> => {
    try {
      // Does not exist if the page was loaded over plain http.
      await navigator.clipboard.writeText(text);
      setState('copied');
    } catch {
      setState('failed');
    }
  };
  return (
    <button type="button" onClick={() => void copy()}>
      <span aria-live="polite">
        {state === 'copied' ? 'Copied' : state === 'failed' ? 'The browser did not allow it' : children}
      </span>
    </button>
  );
}
