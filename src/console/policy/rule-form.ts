/** The form of a rule, and what it means as input of the operation. */
import type { Context } from 'koa'
import type { z } from 'zod'
import type { Form } from '../../http/form.ts'
import type { ruleInputSchema } from '../../policy/rules.ts'
import { mistakeInWords } from '../../formats/mistake-words.ts'
import { html, type Markup } from '../html.ts'
import { choices, csrfField, field, problem } from '../words.ts'

export const ruleFields = ['verdict', 'family', 'product', 'storage', 'protection', 'enclave', 'attest', 'from', 'below', 'build', 'evidence', 'person', 'group', 'reason', 'text'] as const
export type RuleValues = Partial<Record<typeof ruleFields[number], string>>

export const valuesIn = (form: Form): RuleValues => Object.fromEntries(ruleFields.map(name => [name, name === 'text' ? form.raw(name).trim() : form.get(name)]).filter(([, value]) => value !== ''))

const yesNo = (value: string | undefined): boolean | undefined => value === undefined ? undefined : value === 'yes'

/** What was typed, as the operation takes it; whether it means anything, the operation says. */
export function ruleOf(values: RuleValues): z.input<typeof ruleInputSchema> {
  const { verdict = '', family, product, storage, protection, enclave, attest, from, below, build, evidence, person, group, reason = '', text } = values
  const conditions = {
    productType: product, family, storageEncryption: yesNo(storage), dataProtection: yesNo(protection), secureEnclave: yesNo(enclave), canAttest: yesNo(attest),
    osVersion: from === undefined && below === undefined ? undefined : { from, below }, build, evidence: evidence as 'signed' | undefined, person, group,
  }
  return { verdict: verdict as 'block', conditions, reason, ...text === undefined ? {} : { textForPerson: text } }
}

const fieldAt: Readonly<Record<string, typeof ruleFields[number]>> = {
  verdict: 'verdict', reason: 'reason', textForPerson: 'text', 'conditions.family': 'family', 'conditions.productType': 'product',
  'conditions.storageEncryption': 'storage', 'conditions.dataProtection': 'protection', 'conditions.secureEnclave': 'enclave', 'conditions.canAttest': 'attest',
  'conditions.osVersion.from': 'from', 'conditions.osVersion.below': 'below', 'conditions.build': 'build', 'conditions.evidence': 'evidence',
  'conditions.person': 'person', 'conditions.group': 'group',
}
export type RuleMistakes = { form: string, fields: Partial<Record<typeof ruleFields[number], string>> }

/** Each mistake beside its field; what belongs to none stands above the form. */
export function ruleMistakes(error: z.ZodError): RuleMistakes {
  const mistakes: RuleMistakes = { form: 'The rule was not taken.', fields: {} }
  for (const issue of error.issues) {
    const name = fieldAt[issue.path.join('.')]
    if (name === undefined) mistakes.form = `The rule was not taken: ${mistakeInWords(issue)}`
    else mistakes.fields[name] ??= mistakeInWords(issue)
  }
  return mistakes
}

const any = { value: '', text: 'any' }
const capability = (label: string, name: keyof RuleValues, value: string | undefined): Markup =>
  field({ label, name, type: 'select', value: value ?? '', options: [any, { value: 'yes', text: 'with it' }, { value: 'no', text: 'without it' }] })

export function ruleForm(ctx: Context, { values, mistakes }: { values: RuleValues, mistakes?: RuleMistakes | undefined }): Markup {
  const text = (label: string, name: keyof RuleValues, hint: string, maxlength = 100): Markup => field({ label, name, hint, maxlength, value: values[name] ?? '', spellcheck: false, error: mistakes?.fields[name] })
  return html`<section><p class="soft"><a href="/console/policy">Policy</a></p><h1>A new rule</h1>
<p>All conditions that you give must hold. Among the rules that match a phone the most restrictive counts, so their order does not matter.</p></section>
<form method="post" action="/console/policy/new">${problem(mistakes?.form)}${csrfField(ctx)}
${choices({
  legend: 'What happens to phones that match', name: 'verdict', value: values.verdict ?? 'block',
  options: [
    { value: 'block', text: 'Block', hint: 'They get no certificate, whatever allows them otherwise.' },
    { value: 'quarantine', text: 'Set aside', hint: 'Somebody has to look at each of them first.' },
    { value: 'allow', text: 'Allow', hint: 'They get a certificate, unless another rule blocks them or sets them aside.' },
  ],
})}
<h2>Which phones</h2><div class="fields">
${field({ label: 'Family', name: 'family', type: 'select', value: values.family ?? '', options: [any, ...['iPhone', 'iPad', 'iPod touch', 'Mac', 'Apple Watch', 'Apple TV', 'Apple Vision'].map(family => ({ value: family, text: family }))] })}
${text('Product type', 'product', 'iPhone14,5; * and ? stand for anything. Only * means every phone.', 64)}
${text('Version from', 'from', 'This version or newer: 17.4', 40)}
${text('Version below', 'below', 'Older than this version: 17.4', 40)}
${text('Build', 'build', '20A362; * and ? stand for anything.', 64)}
${capability('Storage encryption', 'storage', values.storage)}
${capability('Data Protection', 'protection', values.protection)}
${capability('Secure Enclave', 'enclave', values.enclave)}
${capability('Can attest to itself', 'attest', values.attest)}
${field({ label: 'Model known at least as', name: 'evidence', type: 'select', value: values.evidence ?? '', options: [{ value: '', text: 'as usual' }, ...['claimed', 'listed', 'signed', 'attested'].map(grade => ({ value: grade, text: grade }))], hint: 'An allow rule asks for signed unless you say otherwise.' })}
${text('Person', 'person', 'E-mail address', 100)}
${text('Group', 'group', 'Name of a group, as invitations write it')}</div>
<h2>Why</h2>
${field({ label: 'Reason for the record', name: 'reason', required: true, error: mistakes?.fields.reason, maxlength: 2000, value: values.reason ?? '', hint: 'Other admins read it; the owner of the phone does not.' })}
${field({ label: 'What the owner of the phone reads', name: 'text', type: 'textarea', rows: 3, error: mistakes?.fields.text, maxlength: 2000, value: values.text ?? '', hint: 'In place of Latchkey’s own sentence: what was found, why it matters, what would help, whom to ask.' })}
<div class="actions"><button class="main" type="submit">See what it means</button><a href="/console/policy">Leave it</a></div></form>`
}
