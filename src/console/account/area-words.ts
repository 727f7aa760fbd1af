import type { Area } from '../../http/scope.ts'

/** What a program does that is kept to an area. */
export const areaWords: Readonly<Record<Area, { name: string, hint: string }>> = {
  overview: { name: 'Today', hint: 'what needs somebody now' },
  models: { name: 'Models', hint: 'which device models may have a certificate' },
  policy: { name: 'Policy', hint: 'rules, exemptions, and changes of them' },
  invitations: { name: 'Invitations', hint: 'links for people' },
  people: { name: 'People', hint: 'who was invited, and what is theirs' },
  devices: { name: 'Phones', hint: 'their stories, and those that wait for a decision' },
  certificates: { name: 'Certificates', hint: 'revoke, hold and release' },
  templates: { name: 'Templates', hint: 'what configuration profiles carry' },
  'front-ends': { name: 'Front ends', hint: 'who may ask whether a certificate is good' },
  admins: { name: 'People who administer', hint: 'whoever changes these can give themselves everything' },
  tokens: { name: 'API tokens', hint: 'never with more than this one has' },
  authorities: { name: 'Authorities', hint: 'the CA, its keys and signers' },
  audit: { name: 'Records', hint: 'every change: who, when, from where' },
}

/** `Invitations, reads Certificates` */
export const scopeInWords = (scope: readonly string[] | null): string =>
  scope === null ? 'everything its role may' : scope.map(grant => `${grant.endsWith(':read') ? 'reads ' : ''}${areaWords[grant.replace(/:read$/, '') as Area]?.name ?? grant}`).join(', ')
