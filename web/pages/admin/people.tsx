// The accounts of the gateway: who they are, what they have, and one of them in detail.

import { PAGES } from "../../../protocol/sign-in/pages.ts";

import { t } from "../../words.ts";
import { OnlyAdministrators } from "./only-administrators.tsx";
import { PeopleList } from "./people/list.tsx";
import { PersonDetail } from "./people/person.tsx";

export function PeoplePage({ query }: { readonly query: URLSearchParams }) {
  const person = query.get("person");
  return (
    <OnlyAdministrators title={t("People")}>
      {person === null ? <PeopleList /> : <PersonDetail key={person} id={person} back={PAGES.people} />}
    </OnlyAdministrators>
  );
}
