/** What a browser says of itself, for advice only: it may say anything, and nobody is kept out for it. */
export type Advice = 'other-browser' | 'inside-app' | 'android' | 'computer' | 'mac-or-ipad' | 'old-ios'

export type BrowserWords = {
  advice: Advice | undefined
  /** Whose words the steps use: the newest iOS that is not newer than the browser's; 26 where it says nothing. */
  ios: 17 | 18 | 26
}

const otherBrowsers = /\b(?:CriOS|FxiOS|EdgiOS|OPiOS|OPT|OPX|GSA|YaBrowser|DuckDuckGo|Ddg|Focus|Klar|Vivaldi|Ecosia|Brave)\//
const insideApps = /\b(?:FBAN|FBAV|FB_IAB|Instagram|Line|MicroMessenger|Snapchat|LinkedInApp|Twitter|Teams|TeamsMobile-iOS|Slack|Pinterest|WhatsApp)\b/

/** @param userAgent  the header; only its beginning is looked at */
export function browserWords(userAgent: string | undefined): BrowserWords {
  const text = (userAgent ?? '').slice(0, 1000)
  const major = majorOf(text)
  return { advice: adviceFor(text, major), ios: major === undefined || major >= 26 ? 26 : major >= 18 ? 18 : 17 }
}

/** Safari 26 still says `OS 18_6`, and tells the truth only after `Version/`. */
function majorOf(text: string): number | undefined {
  const numbers = [/\bOS (\d{1,2})_/, /\bVersion\/(\d{1,2})\./].map(pattern => Number(pattern.exec(text)?.[1] ?? 0))
  const most = Math.max(...numbers)
  return most === 0 ? undefined : most
}

function adviceFor(text: string, major: number | undefined): Advice | undefined {
  if (/\b(?:iPhone|iPad|iPod)\b/.test(text)) {
    if (otherBrowsers.test(text)) return 'other-browser'
    if (insideApps.test(text) || !/\bVersion\/.*\bSafari\//.test(text)) return 'inside-app'
    return major !== undefined && major < 17 ? 'old-ios' : undefined
  }
  if (/\bAndroid\b/.test(text)) return 'android'
  if (/\bMacintosh\b/.test(text)) {
    // An iPad asks for desktop pages; its other browsers still name themselves.
    if (otherBrowsers.test(text)) return 'other-browser'
    return /\b(?:Chrome|Firefox|Edg)\//.test(text) ? 'computer' : 'mac-or-ipad'
  }
  return /\b(?:Windows|X11|Linux|CrOS)\b/.test(text) ? 'computer' : undefined
}
