/** What was done, as a sentence goes on after the name of whoever did it. */
const words: Readonly<Record<string, string>> = {
  'admin.create': 'made an admin', 'admin.end': 'ended an admin', 'admin.notices': 'chose what somebody is told', 'admin.update': 'changed an admin',
  'approval.add': 'approved a model', 'approval.withdraw': 'withdrew an approval',
  'authority.export-root': 'took out the root’s key', 'authority.import': 'imported an authority', 'authority.renew-signers': 'renewed the signers', 'authority.root-crl': 'published a list of the root',
  'catalogue.update': 'brought the catalogue up to date',
  'certificate.issue': 'got a certificate', 'certificate.revoke': 'revoked a certificate', 'certificate.hold': 'held a certificate', 'certificate.release': 'released a certificate',
  'device.approve': 'let a phone out of quarantine', 'device.refuse': 'refused a phone',
  'device.set-aside': 'set a phone aside', 'device.accept-claims': 'accepted what a phone claimed',
  'device.revoke': 'revoked a phone and locked it out', 'device.hold': 'locked a phone out', 'device.release': 'let a phone in again',
  'enrollment.allowed': 'introduced itself and was approved', 'enrollment.quarantined': 'introduced itself and waits', 'enrollment.refused': 'introduced itself and was refused',
  'exemption.add': 'made an exemption', 'exemption.end': 'ended an exemption',
  'front-end.add': 'added a front end', 'front-end.activesync': 'changed what becomes of contradictions at a front end', 'front-end.end': 'ended a front end',
  'front-end.probe': 'tried out a front end', 'front-end.probe-revoke': 'revoked a certificate to try out a front end',
  'inventory.import': 'imported an inventory', 'inventory.remove': 'took devices out of the inventory', 'inventory.require': 'changed whether the inventory is demanded',
  'invitation.create': 'invited a person', 'invitation.end': 'took an invitation back', 'invitation.resend': 'made a new link for an invitation',
  'person.create': 'put a person on record', 'person.update': 'changed a person', 'person.hold': 'locked a person out', 'person.release': 'let a person in again',
  'rule.add': 'added a rule', 'rule.remove': 'removed a rule',
  'setup-link.create': 'made a setup link', 'template.set': 'wrote a template',
  'token.create': 'made an API token', 'token.end': 'ended an API token',
  'session.begin': 'signed in', 'session.end': 'signed out',
}

/** The code itself where nobody has found words for it. */
export const actionInWords = (action: string): string => Object.hasOwn(words, action) ? words[action]! : action

/** What a filter can ask for: nouns, in the order of the alphabet. */
export const nouns = [...new Set(Object.keys(words).map(action => action.split('.')[0]!))].sort()
