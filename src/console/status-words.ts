/** States of certificates and phones in words, and what people and phones call themselves. */
import type { certificateFields } from '../protocols/api/operations/certificate-view.ts'
import type { DeviceView } from '../protocols/api/operations/devices.ts'
import type { z } from 'zod'
import { html, type Markup } from './html.ts'
import { state, type Tone } from './words.ts'

export type CertificateStatus = z.output<typeof certificateFields.status>

const certificateWords: Readonly<Record<CertificateStatus, [word: string, tone?: Tone]>> = {
  good: ['good', 'good'], held: ['on hold', 'wait'], revoked: ['revoked', 'stop'], expired: ['ended'],
}
export const certificateState = (status: CertificateStatus): Markup => state(...certificateWords[status])

/** What the phone can do now: nothing while it is locked out; else a certificate that is good counts before everything that came later. */
export function phoneState({ certificate, enrollment, lockedOut }: Pick<DeviceView, 'certificate' | 'enrollment' | 'lockedOut'>): Markup {
  if (lockedOut !== null) return lockedOut === 'held' ? state('locked out for now', 'wait') : state('locked out', 'stop')
  if (certificate?.status === 'good') return state('holds a key', 'good')
  if (enrollment !== null && enrollment !== undefined) {
    const { state: step, decision } = enrollment
    if (step === 'quarantined') return decision?.verdict === 'quarantine' ? state('waits for a decision', 'wait') : state('approved, has to come back', 'wait')
    if (step === 'refused') return state('refused', 'stop')
    if (step !== 'issued') return state('on its way', 'wait')
  }
  if (certificate === null) return state('no key')
  return certificate.status === 'expired' ? state('key ended') : certificate.status === 'held' ? state('key on hold', 'wait') : state('key revoked', 'stop')
}

/** A name that somebody gave, kept from turning the text around it. */
export const named = (text: string): Markup => html`<bdi>${text}</bdi>`

/** The same in a row of many: what is longer than any name is cut, so that a page full of hostile ones stays small. */
export const brief = (text: string, most = 110): Markup => named(text.length <= most ? text : `${[...text.slice(0, 2 * most)].slice(0, most - 1).join('')}…`)

export const modelWords = ({ modelName, productType }: { modelName: string | null, productType: string }): Markup =>
  modelName === null ? html`<span class="soft">unknown model</span> <code>${brief(productType)}</code>` : html`${modelName} <code>${productType}</code>`
