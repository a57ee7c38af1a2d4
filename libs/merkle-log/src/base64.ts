/** Standard base64 (RFC 4648, section 4), strictly: padding right, nothing else in it. @returns nothing for what is not */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
