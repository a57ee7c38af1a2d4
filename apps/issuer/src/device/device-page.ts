import { askedRights } from '../consent/asked-rights.js';
import { html, timeOf, type Html } from '../pages/html.js';
import { type Page } from '../pages/page.js';
import { type AudienceWords } from '../registry/audience-words.js';
import { type AskedDevice } from './devices.service.js';
import { shownUserCode } from './user-code.js';

/** The page on which a person enters the code of a device. @param wrong whether one was entered that no device waits for */
export function codePage(person: string, typed: string, wrong: boolean, hidden: Html): Page {
  const fault = wrong
    ? html`<p class="warn" role="alert" id="fault">
        No device is waiting for this code. Compare it with the one on the device; codes are valid for ten minutes.
      </p>`
    : undefined;
  const body = html`
    ${fault}
    <p>Enter the code that your device or command line shows.</p>
    <form method="post" action="/device">
      ${hidden}
      <label for="user_code">Code</label>
      <input
        id="user_code"
        type="text"
        name="user_code"
        value="${typed}"
        autocomplete="off"
        autocapitalize="characters"
        spellcheck="false"
        maxlength="32"
        required
      />
      <div class="actions"><button type="submit">Continue</button></div>
    </form>
  `;
  return { title: 'Connect a device', body, person, status: wrong ? 400 : 200 };
}

/** The page that asks whether a device may act for the person. */
export function devicePage(
  { row, client, scopes, userCode }: AskedDevice,
  person: string,
  words: AudienceWords | undefined,
  hidden: Html,
): Page {
  const asked = { client, person, audience: row.audience, words, scopes };
  const how = html`<dt>Device</dt>
    <dd>${row.device}, from the network ${row.network}, at ${timeOf(row.createdAt)}</dd>`;
  const body = html`
    <p class="warn" role="note">
      Continue only if you started this yourself, on a device in front of you. If someone sent you the code or this
      address, refuse: they could act as you.
    </p>
    <p>The device must show this code: <strong>${shownUserCode(userCode)}</strong></p>
    ${askedRights(asked, how)}
    <form method="post" action="/device/decision">
      ${hidden}<input type="hidden" name="user_code" value="${userCode}" /><input
        type="hidden"
        name="scope"
        value="${scopes.join(' ')}"
      />
      <div class="actions">
        <button type="submit" name="decision" value="allow">Allow</button>
        <button type="submit" name="decision" value="refuse" class="second">Refuse</button>
      </div>
    </form>
  `;
  return { title: 'A device asks to act for you', body, person };
}

/** The last page: the person goes back to the device. */
export function decidedPage(person: string, allows: boolean): Page {
  const body = allows
    ? html`<p>The device may act for you now. You can close this page and continue there.</p>
        <p class="quiet">You can withdraw this at any time on your account page.</p>`
    : html`<p>The device may not act for you. You can close this page.</p>`;
  return { title: allows ? 'The device is connected' : 'The device was refused', body, person };
}
