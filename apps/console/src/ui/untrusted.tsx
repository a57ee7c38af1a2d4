import { useState } from 'react';
import { cut, partsOf, plainText, SHOWN_LIMIT, withShortIds } from './visible-text.js';
import styles from './untrusted.module.css';

interface UntrustedProps {
  readonly text: string;
  /** Maximum number of characters shown at first. */
  readonly limit?: number;
  /** Leaves out the button that shows the rest: for cells and links, inside which there can be no button. */
  readonly brief?: boolean;
  /** Shortens UUIDs; the whole text is its title. */
  readonly shortIds?: boolean;
}

/**
 * Every text that came from outside. Its direction touches nothing around it, invisible characters are shown as symbols, and a long
 * one is cut.
 */
export function Untrusted({ text, limit = SHOWN_LIMIT, brief = false, shortIds = false }: UntrustedProps) {
  const [whole, setWhole] = useState(false);
  const { shown, left } = cut(shortIds ? withShortIds(text) : text, whole ? Number.MAX_SAFE_INTEGER : limit);
  return (
    <>
      <bdi className={styles.text} title={shortIds ? plainText(text) : undefined}>
        {partsOf(shown).map((part, index) =>
          part.kind === 'text' ? (
            part.text
          ) : (
            <span key={index} className={styles.unseen} title={part.name}>
              {part.symbol}
            </span>
          ),
        )}
        {left > 0 && '…'}
      </bdi>
      {left > 0 && !brief && (
        <button
          type="button"
          className={styles.more}
          onClick={() => {
            setWhole(true);
          }}
        >
          show all {(left + limit).toLocaleString('en')} characters
        </button>
      )}
    </>
  );
}
