import { X } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";

import { asProblem, type ApiProblem } from "@/shared/api/problem";
import { text } from "@/shared/text/text";

import { Button } from "./Button";
import { Notice } from "./Notice";

import styles from "./Dialog.module.css";

interface DialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly role?: "dialog" | "alertdialog";
  readonly wide?: boolean;
}

/** A window above the page: keeps the focus, closes with Escape, gives the focus back. */
export function Dialog({ title, isOpen, onClose, children, role = "dialog", wide = false }: DialogProps) {
  return (
    <ModalOverlay
      className={styles["overlay"] ?? ""}
      isOpen={isOpen}
      isDismissable={role === "dialog"}
      onOpenChange={(open) => !open && onClose()}
    >
      <Modal className={styles["modal"] ?? ""} data-wide={wide}>
        <AriaDialog role={role} className={styles["dialog"] ?? ""}>
          <header className={styles["header"]}>
            <Heading slot="title">{title}</Heading>
            <Button tone="quiet" size="small" aria-label={text.common.close} onPress={onClose}>
              <X aria-hidden="true" />
            </Button>
          </header>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** Does it; the dialog stays, with the reason, when that fails. */
  readonly onConfirm: () => Promise<void>;
  readonly action: string;
  readonly tone?: "danger" | "primary";
  readonly isDisabled?: boolean;
  readonly children: ReactNode;
}

/** Asks before something that matters is done. */
export function ConfirmDialog({
  title,
  isOpen,
  onClose,
  onConfirm,
  action,
  tone = "danger",
  isDisabled = false,
  children,
}: ConfirmProps) {
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);

  const close = () => {
    if (pending) return;
    setProblem(null);
    onClose();
  };
  const confirm = async () => {
    setPending(true);
    setProblem(null);
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setPending(false);
    }
  };

  return (
    <Dialog title={title} isOpen={isOpen} onClose={close} role="alertdialog">
      <div className={styles["body"]}>{children}</div>
      {problem !== null && <Notice tone="bad">{problem.detail}</Notice>}
      <footer className={styles["footer"]}>
        <Button onPress={close} isDisabled={pending}>
          {text.common.cancel}
        </Button>
        <Button tone={tone} isPending={pending} isDisabled={isDisabled} onPress={() => void confirm()}>
          {action}
        </Button>
      </footer>
    </Dialog>
  );
}
