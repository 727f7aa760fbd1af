import { z } from 'zod'
import { consequencesOf } from '../../../enrollment/consequences.ts'
import { parseTemplate, payloadsOf, Template } from '../../../enrollment/template.ts'
import { CaError } from '../../../errors.ts'
import { mistakeInWords } from '../../../formats/mistake-words.ts'
import { change } from '../../../http/change.ts'
import { templateStore, type TemplateRecord } from '../../../store/templates.ts'
import { at, instant, instantInput, nothing } from '../fields.ts'
import { operation } from '../operation.ts'

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens')
const templateView = z.strictObject({
  name, template: z.looseObject({}), updatedAt: instant, updatedBy: z.string(),
  /** What it does to a phone and its owner, in the order in which pages say it. */
  consequences: z.array(z.looseObject({ code: z.string() })),
})

const viewOf = (r: TemplateRecord): z.input<typeof templateView> =>
  ({ name: r.name, template: r.template, updatedAt: at(r.updatedAt), updatedBy: r.updatedBy, consequences: consequencesOf(r.template) })

export const templateList = operation({
  id: 'templateList', method: 'get', path: '/templates', role: 'auditor',
  summary: 'Templates of configuration profiles.',
  input: nothing,
  output: z.strictObject({ items: z.array(z.strictObject({ name, displayName: z.string(), updatedAt: instant, updatedBy: z.string() })) }),
  run: async service => ({
    items: (await templateStore(service.db).list()).map(({ name: called, template, updatedAt, updatedBy }) =>
      ({ name: called, displayName: template.displayName, updatedAt: at(updatedAt), updatedBy })),
  }),
})

export const templateShow = operation({
  id: 'templateShow', method: 'get', path: '/templates/{name}', role: 'auditor',
  summary: 'One template, and what it does to a phone’s owner.',
  input: z.strictObject({ name }),
  output: templateView,
  async run(service, _actor, input) {
    const record = await templateStore(service.db).find(input.name)
    if (record === undefined) throw new CaError('template-not-found', `there is no template named ${input.name}`)
    return viewOf(record)
  },
})

export const templateSet = operation({
  id: 'templateSet', method: 'put', path: '/templates/{name}', role: 'admin', maxBodyBytes: 4 * 1024 * 1024,
  summary: 'Write a template. Phones get it with their next configuration profile.',
  // The template is checked by its own reader, which names every field that is wrong.
  input: z.strictObject({
    name, template: z.unknown(),
    /** When it was written as the caller knows it, null for one that is new: refused when somebody else has written since. */
    since: instantInput.nullable().optional(),
  }),
  output: templateView,
  async run(service, actor, input) {
    const template = parseTemplate(input.template)
    return await change(service, actor, async (tx, record, now) => {
      const before = await templateStore(tx).find(input.name)
      if (input.since !== undefined && (before?.updatedAt.getTime() ?? null) !== (input.since?.getTime() ?? null)) {
        throw new CaError('conflict', before === undefined ? 'the template is not there any more' : `${before.updatedBy} has written this template meanwhile`)
      }
      const written: TemplateRecord = { name: input.name, template, updatedAt: now, updatedBy: actor.name }
      await templateStore(tx).put(written)
      await record('template.set', `template:${input.name}`, { before: before?.template ?? null, after: template })
      return viewOf(written)
    })
  },
})

export const templateCheck = operation({
  id: 'templateCheck', method: 'post', path: '/templates/check', role: 'auditor', maxBodyBytes: 4 * 1024 * 1024,
  summary: 'What is wrong with a template, or what it puts on a phone and does to its owner. Writes nothing.',
  input: z.strictObject({ template: z.unknown() }),
  output: z.strictObject({
    mistakes: z.array(z.strictObject({ field: z.string(), message: z.string() })),
    /** Null while there are mistakes. */
    preview: z.strictObject({
      consequences: z.array(z.looseObject({ code: z.string() })),
      /** What the configuration profile of a phone that makes its own key would hold. */
      payloads: z.array(z.strictObject({ type: z.string(), displayName: z.string() })),
    }).nullable(),
  }),
  run: async (_service, _actor, input) => {
    const { success, data, error } = Template.safeParse(input.template)
    if (!success) return { mistakes: error.issues.slice(0, 50).map(issue => ({ field: issue.path.join('.'), message: mistakeInWords(issue) })), preview: null }
    return { mistakes: [], preview: { consequences: consequencesOf(data), payloads: payloadsFor(data) } }
  },
})

/** For somebody who is nobody: types and names are the same for everybody. */
const payloadsFor = (template: Template): { type: string, displayName: string }[] => payloadsOf(template, {
  person: { name: 'Name', email: 'name@example.com' }, root: Buffer.alloc(0), issuing: Buffer.alloc(0), uuid: called => called, identifierBase: template.identifier,
  identity: { kind: 'scep', url: '', caName: '', challenge: '', caFingerprint: Buffer.alloc(32), subject: [] },
}).map(payload => ({ type: String(payload['PayloadType']), displayName: String(payload['PayloadDisplayName']) }))
