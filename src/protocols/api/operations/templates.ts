import { z } from 'zod'
import { consequencesOf } from '../../../enrollment/consequences.ts'
import { parseTemplate } from '../../../enrollment/template.ts'
import { CaError } from '../../../errors.ts'
import { change } from '../../../http/change.ts'
import { templateStore, type TemplateRecord } from '../../../store/templates.ts'
import { at, instant, nothing } from '../fields.ts'
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
  input: z.strictObject({ name, template: z.unknown() }),
  output: templateView,
  async run(service, actor, input) {
    const template = parseTemplate(input.template)
    return await change(service, actor, async (tx, record, now) => {
      const before = await templateStore(tx).find(input.name)
      const written: TemplateRecord = { name: input.name, template, updatedAt: now, updatedBy: actor.name }
      await templateStore(tx).put(written)
      await record('template.set', `template:${input.name}`, { before: before?.template ?? null, after: template })
      return viewOf(written)
    })
  },
})
