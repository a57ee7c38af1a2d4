/**
 * Saves an answer as a file while it comes.
 * @param onBytes hears how much there is
 * @returns false when it was cut off
 */
export async function saveStream(
  response: Response,
  name: string,
  type: string,
  onBytes: (bytes: number) => void,
): Promise<boolean> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  try {
    const reader = response.body?.getReader();
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) break;
      parts.push(value);
      bytes += value.length;
      onBytes(bytes);
    }
  } catch {
    return false;
  }
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 60_000);
  return true;
}
