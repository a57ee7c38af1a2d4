import { type Principal } from '../api/events.js';
import { DepartedMark } from '../departed/departed-mark.js';
import { plainText } from '../ui/visible-text.js';
import { Untrusted } from '../ui/untrusted.js';
import styles from './who.module.css';

/** Who did it, and through whom; unverified callers are highlighted. */
export function Who({ principal, time }: { readonly principal: Principal | null; readonly time: string }) {
  if (principal === null) return <em className={styles.nobody}>unverified caller</em>;
  const { subject, actors } = principal;
  const [actor, ...others] = actors;
  return (
    <>
      {/* Before the name, because a long one is cut at its end. */}
      <DepartedMark principal={principal} time={time} />
      <span title={plainText([subject, ...actors.toReversed()].join(' → '))}>
        <Untrusted text={subject} brief shortIds />
        {actor !== undefined && (
          <span className={styles.through}>
            {' '}
            through <Untrusted text={actor} brief />
            {others.length > 0 && ` and ${String(others.length)} more`}
          </span>
        )}
      </span>
    </>
  );
}
