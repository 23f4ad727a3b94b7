import { Camera, Images } from "lucide-react";
import { useRef, useState } from "react";
import { Button } from "react-aria-components";

import { text } from "@/shared/text/text";
import { Checkbox } from "@/shared/ui/Choice";
import { Card } from "@/shared/ui/Page";
import { faultOfUserId } from "@/shared/user-id/user-id";
import { UserIdField } from "@/shared/user-id/UserIdField";

import styles from "./EnrolForm.module.css";

const words = text.enrol;

export type Method = "camera" | "files";

const METHODS = [
  { method: "camera", icon: Camera, label: words.camera, how: words.cameraHow },
  { method: "files", icon: Images, label: words.files, how: words.filesHow },
] as const;

interface Props {
  readonly userId: string;
  readonly agreed: boolean;
  readonly photosKept: boolean;
  readonly onAgree: (agreed: boolean) => void;
  readonly onChoose: (userId: string, method: Method) => void;
}

/** The id, the consent, and how the photos are to come. */
export function EnrolForm({ userId, agreed, photosKept, onAgree, onChoose }: Props) {
  const [given, setGiven] = useState(userId);
  const [fault, setFault] = useState<string | null>(null);
  const [missing, setMissing] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const consent = useRef<HTMLDivElement>(null);

  const choose = (method: Method) => {
    const trimmed = given.trim();
    const wrong = faultOfUserId(trimmed);
    setFault(wrong);
    setMissing(!agreed);
    if (wrong !== null) input.current?.focus();
    else if (!agreed) consent.current?.querySelector("input")?.focus();
    else onChoose(trimmed, method);
  };

  return (
    <div className={styles["form"]}>
      <Card>
        <UserIdField
          value={given}
          onChange={(value) => {
            setGiven(value);
            setFault(null);
          }}
          error={fault}
          hint={words.idHint}
          inputRef={input}
        />
      </Card>
      <Card title={words.consentTitle}>
        <dl className={styles["consent"]}>
          {words.consent.map(([name, what]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        {photosKept && <p className={styles["kept"]}>{words.photosKept}</p>}
        <div ref={consent}>
          <Checkbox
            isSelected={agreed}
            isInvalid={missing && !agreed}
            onChange={(yes) => {
              onAgree(yes);
              setMissing(false);
            }}
          >
            {words.agree}
          </Checkbox>
        </div>
        {missing && !agreed && (
          <p className={styles["fault"]} role="alert">
            {words.mustAgree}
          </p>
        )}
      </Card>
      <Card title={words.how}>
        <div className={styles["methods"]}>
          {METHODS.map(({ method, icon: Icon, label, how }) => (
            <Button key={method} className={styles["method"] ?? ""} onPress={() => choose(method)}>
              <Icon aria-hidden="true" />
              <strong>{label}</strong>
              <span>{how}</span>
            </Button>
          ))}
        </div>
      </Card>
    </div>
  );
}
