import Router from '@koa/router'
import { doesNotProve, evidenceGrades, type EvidenceGrade } from '../devices/evidence.ts'
import { html } from './html.ts'
import { consolePage } from './layout.ts'

const knownHow: Readonly<Record<EvidenceGrade | 'test', string>> = {
  claimed: 'An admin typed it, or a program passed it on.',
  listed: 'The serial number or UDID is in an imported inventory, and the model comes from there.',
  signed: 'The phone signed the message with an identity that Apple issued to a device.',
  attested: 'Managed Device Attestation: signed by Apple for a key in this phone’s Secure Enclave.',
  test: 'Signed by a simulated phone, which this service was told to trust.',
}

/** What the words mean: every grade on a page leads here. */
export function wordsRouter(): Router {
  const router = new Router()
  router.get('/console/words', ctx => consolePage(ctx, {
    title: 'What the words mean',
    body: html`<section><h1>How well a fact is known</h1>
<p>Every fact about a phone carries the grade at which it is known, from worth nothing to signed by Apple. A phone can have an attested serial number and a listed model.</p>
<dl class="words">${[...evidenceGrades, 'test' as const].map(grade => html`<div id="${grade}"><dt><span class="grade">${grade}</span></dt>
<dd><p>${knownHow[grade]}</p><p class="soft"><b>What it does not prove.</b> ${doesNotProve[grade]}</p></dd></div>`)}</dl></section>
<section><h2>Four kinds of encryption that are easily mixed up</h2><dl class="words">
<div id="transport-encryption"><dt>Transport encryption</dt><dd><p>What travels between phone and server cannot be read on the way. Every phone of the last fifteen years does this; it says nothing about a phone that is lost.</p></dd></div>
<div id="storage-encryption"><dt>Storage encryption</dt><dd><p>What lies on the phone cannot be read by taking it apart. It is a property of the hardware, and every iPhone since the 3GS has it.</p></dd></div>
<div id="data-protection"><dt>Data Protection</dt><dd><p>Storage encryption whose keys hang on the passcode. Without a passcode it protects next to nothing.</p></dd></div>
<div id="backup-encryption"><dt>Backup encryption</dt><dd><p>Whether copies of the phone on a computer are encrypted. It is a setting, which a template can force.</p></dd></div></dl></section>`,
  }))
  return router
}
