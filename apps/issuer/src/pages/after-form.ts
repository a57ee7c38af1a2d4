import { type FastifyReply } from 'fastify';
import { formTargetOf } from './form-target.js';
import { html } from './html.js';
import { sendBrowserTo, sendPage } from './page.js';

/**
 * Leads the browser on after a form, by a page that continues by itself: browsers hold a redirect that follows a form, and every redirect after that,
 * to the policy of the form's page, and nobody here knows where a provider or an application redirects to next.
 * @param location made here, never copied from a request
 */
export function sendBrowserOn(reply: FastifyReply, location: string): void {
  const body = html`<p><a class="button" href="${location}">Continue</a></p>`;
  sendPage(reply, { title: 'One moment', leadsOnTo: location, body });
}

/** An application's address at which the browser ends after a form. */
export interface ApplicationAddress {
  readonly url: string;
  /** Whether it is a native application's: that is the end of the way, and phones open an application only by a redirect from what the person did. */
  readonly native: boolean;
}

/** Leads the browser back to an application after a form whose page named {@link formTargetsOf} of the same address. */
export function sendBrowserBack(reply: FastifyReply, { url, native }: ApplicationAddress): void {
  if (native) sendBrowserTo(reply, url);
  else sendBrowserOn(reply, url);
}

/** Where a form of a page may lead beside this issuer, as sources of its policy. */
export function formTargetsOf({ url, native }: ApplicationAddress): readonly string[] {
  return native ? [formTargetOf(url)] : [];
}
