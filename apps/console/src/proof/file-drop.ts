import { useEffect, useRef, useState } from 'react';

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;

/**
 * Accepts a file dropped anywhere on the page: outside the marked area the browser would leave the page to show the file.
 * @returns whether a file is being dragged over the page
 */
export function useFileDrop(take: (file: File) => void, isBusy: boolean): boolean {
  const [over, setOver] = useState(false);
  const current = useRef({ take, isBusy });
  useEffect(() => {
    current.current = { take, isBusy };
  });
  useEffect(() => {
    const stop = new AbortController();
    // The element that is entered fires its event before the one that is left.
    let within = 0;
    const listen = (type: 'dragenter' | 'dragover' | 'dragleave' | 'drop', run: (event: DragEvent) => void): void => {
      const listener = (event: DragEvent): void => {
        if (hasFiles(event)) run(event);
      };
      addEventListener(type, listener, { signal: stop.signal });
    };
    const hold = (event: DragEvent): void => {
      event.preventDefault();
      if (event.dataTransfer !== null) event.dataTransfer.dropEffect = current.current.isBusy ? 'none' : 'copy';
    };
    listen('dragenter', (event) => {
      hold(event);
      within += 1;
      setOver(true);
    });
    listen('dragover', hold);
    listen('dragleave', () => {
      within = Math.max(within - 1, 0);
      setOver(within > 0);
    });
    listen('drop', (event) => {
      event.preventDefault();
      within = 0;
      setOver(false);
      const [file] = event.dataTransfer?.files ?? [];
      if (file !== undefined && !current.current.isBusy) current.current.take(file);
    });
    return () => {
      stop.abort();
    };
  }, []);
  return over;
}
