import type { z } from 'zod'
import { doesNotProve } from '../../devices/evidence.ts'
import type { decisionView } from '../../protocols/api/operations/decision-view.ts'
import { html, type Markup } from '../html.ts'
import { personLink } from '../links.ts'
import { modelWords, named } from '../status-words.ts'
import { field, grade, problem, state } from '../words.ts'

export type ExplainValues = { product: string, serial: string, build: string, version: string, evidence: string, person: string }
/** @property phone  the one on record that was asked about */
export type ExplainPage = { values: ExplainValues, decision: z.input<typeof decisionView> | undefined, mistake: string | undefined, phone: { id: string, personId: string, personName: string } | undefined }

export function explainPage({ values, decision, mistake, phone }: ExplainPage): Markup {
  return html`<section><p class="soft"><a href="/console/policy">Policy</a></p><h1>What would be decided</h1><p class="soft">For a line of a mail server’s log: <a href="/console/policy/activesync">explain an ActiveSync string</a>.</p>
${phone !== undefined && html`<p>About <a href="/console/phones/${phone.id}">the phone</a> of ${personLink(phone.personId, phone.personName)}, as policy stands now and with all that is known of it. Nothing is changed by asking.</p>`}</section>
${decision !== undefined && answer(decision)}
<section>${phone !== undefined && html`<h2>About a phone that is only described</h2>`}${problem(mistake)}<form method="get" action="/console/policy/explain"><div class="fields">
${field({ label: 'Product type', name: 'product', value: values.product, maxlength: 64, hint: 'iPhone14,5; may stay empty where the inventory has the number', spellcheck: false })}
${field({ label: 'Serial number', name: 'serial', value: values.serial, maxlength: 40, hint: 'For what the inventory says of it', spellcheck: false })}
${field({ label: 'Version', name: 'version', value: values.version, maxlength: 40, hint: '17.4', spellcheck: false })}
${field({ label: 'Build', name: 'build', value: values.build, maxlength: 16, hint: '20A362', spellcheck: false })}
${field({ label: 'Known as', name: 'evidence', type: 'select', value: values.evidence, options: ['claimed', 'listed', 'signed', 'attested'].map(value => ({ value, text: value })) })}
${field({ label: 'Person', name: 'person', value: values.person, maxlength: 254, hint: 'E-mail address', spellcheck: false })}</div>
<button class="main" type="submit">Explain</button></form></section>`
}

const verdicts = { allow: ['let in', 'good'], quarantine: ['set aside', 'wait'], block: ['refused', 'stop'] } as const

function answer(decision: z.input<typeof decisionView>): Markup {
  const [word, tone] = verdicts[decision.verdict]
  const { known } = decision
  const productType = known.productType?.value ?? ''
  return html`<section class="consequence"><h2>${state(word, tone)}</h2><p>${named(decision.textForAdmin)}</p>
<p><b>Its owner reads:</b> ${named(decision.textForPerson)}</p>
<p class="soft">${modelWords({ modelName: known.modelName, productType })}${known.modelEvidence !== null && html`, ${grade(known.modelEvidence, known.test)}: ${doesNotProve[known.modelEvidence]}`} <code>${decision.code}</code></p>${known.inventoryAgrees !== null && html`<p class="soft">The inventory ${known.inventoryAgrees ? 'has it, and says nothing else of it.' : 'says something else of it.'}</p>`}</section>`
}
