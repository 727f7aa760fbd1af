/** What the phone shows at each step, drawn plainly: no picture says a word that the step beside it does not say. */
import { html, type Markup } from '../html.ts'
import type { BrowserWords } from './browser-words.ts'
import { shortened } from './shortened.ts'
import type { Texts } from './texts/en.ts'

type Ios = BrowserWords['ios']

const drawing = (height: number, label: string, content: Markup): Markup =>
  html`<svg class="drawing" viewBox="0 0 320 ${height}" role="img" aria-label="${label}">${content}</svg>`

/** Corners grew rounder with iOS 26. */
const radius = (ios: Ios): number => ios === 26 ? 24 : 12

/** The question that Safari asks before it downloads. */
export const allowDrawing = ({ drawings }: Texts, ios: Ios): Markup => drawing(156, drawings.allow, html`
<rect class="screen" x="1" y="1" width="318" height="154" rx="12"/><rect class="sheet" x="40" y="14" width="240" height="128" rx="${radius(ios)}"/>
${drawings.question.map((line, index) => html`<text class="strong" x="160" y="${42 + index * 20}" text-anchor="middle">${line}</text>`)}
${ios === 26
    ? html`<rect class="key" x="52" y="98" width="104" height="34" rx="17"/><rect class="wanted" x="164" y="98" width="104" height="34" rx="17"/>`
    : html`<path class="rule" d="M40 98h240M160 98v44"/><rect class="wanted" x="165" y="102" width="110" height="35" rx="8"/>`}
<text x="${ios === 26 ? 104 : 100}" y="120" text-anchor="middle">${drawings.ignore}</text><text class="tap" x="${ios === 26 ? 216 : 220}" y="${ios === 26 ? 120 : 124}" text-anchor="middle">${drawings.allowButton}</text>`)

/** The first rows of Settings: account, then what was downloaded. */
export const openDrawing = ({ drawings }: Texts, ios: Ios): Markup => drawing(214, drawings.open, html`
<rect class="screen" x="1" y="1" width="318" height="212" rx="12"/><text class="title" x="20" y="36">${drawings.settings}</text>
<rect class="sheet" x="14" y="50" width="292" height="60" rx="${radius(ios)}"/><circle class="face" cx="46" cy="80" r="18"/>
<text class="strong" x="74" y="76">${drawings.yourName}</text><text class="small" x="74" y="95">${drawings.account(ios)}</text>
<rect class="wanted" x="14" y="120" width="292" height="42" rx="${ios === 26 ? 21 : 10}"/><text class="tap" x="30" y="146">${drawings.profileDownloaded}</text><path class="arrow" d="M286 135l6 6-6 6"/>
<rect class="sheet" x="14" y="172" width="292" height="34" rx="${ios === 26 ? 17 : 10}"/><text x="30" y="194">${drawings.wifi}</text>`)

/** The configuration profile as Settings shows it, with the button at the top right. */
export const installDrawing = ({ drawings }: Texts, ios: Ios, organization: string): Markup => drawing(146, drawings.install, html`
<rect class="screen" x="1" y="1" width="318" height="144" rx="12"/>
<text class="${ios === 26 ? 'plain' : 'link'}" x="14" y="36">${drawings.cancel}</text>
<rect class="wanted" x="208" y="14" width="100" height="34" rx="${ios === 26 ? 17 : 8}"/><text class="tap" x="258" y="36" text-anchor="middle">${drawings.installButton}</text>
<rect class="sheet" x="14" y="64" width="292" height="66" rx="${radius(ios)}"/><rect class="face" x="30" y="80" width="34" height="34" rx="8"/>
<text class="strong" x="78" y="94">${drawings.installTitle}</text><text class="small" x="78" y="112">${shortened(organization, 28)}</text>`)
