/** Which certificate a front end's one header names. */
import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { sha256 } from '../../certificates/issue.ts'
import { headerValues } from '../../http/header.ts'
import { Remembered } from '../../http/remembered.ts'
import type { FrontEnd } from '../../store/front-ends.ts'
import { conventions, readPresented } from './conventions.ts'
import { asks } from './kinds.ts'

/** A certificate by the digest of its DER, or only by its serial number. */
export type Named = { sha256: Buffer } | { serialNumber: Buffer }

/** As many as there are certificates remembered, some 300 bytes each. */
const mostTexts = 50_000

/**
 * Reading a certificate out of a header, and its digest, take longer than all else that an answer from memory needs, and each
 * phone's text is the same every time. So the text's own digest leads to that of the certificate in it; that is all it says.
 */
export function presentedReader(): (frontEnd: FrontEnd, request: IncomingMessage) => Named | 'no-certificate' | 'malformed' {
  const digests = new Remembered<Buffer>(mostTexts)
  return ({ convention }, request) => {
    if (!asks(convention)) return 'no-certificate'
    const [value = '', ...more] = headerValues(request, conventions[convention].header)
    // Sent twice, one of the two is not the front end's.
    if (more.length > 0) return 'malformed'
    // Apache writes `(null)` where there is no certificate.
    if (value === '' || value === '(null)') return 'no-certificate'
    const text = `${convention} ${hash('sha256', value, 'binary')}`
    const known = digests.get(text)
    if (known !== undefined) return { sha256: known }
    const presented = readPresented(convention, value)
    if (presented === undefined || 'serialNumber' in presented) return presented ?? 'malformed'
    const digest = sha256(presented.der)
    digests.set(text, digest)
    return { sha256: digest }
  }
}
