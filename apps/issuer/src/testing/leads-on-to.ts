/** Where a page leads by itself. @returns undefined for one that stays */
export function leadsOnTo(page: string): string | undefined {
  return /<meta http-equiv="refresh" content="0;url=([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');
}
