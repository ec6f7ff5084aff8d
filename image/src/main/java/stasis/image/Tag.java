package stasis.image;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// The wire number of a record component, or of a record that is one variant of a sealed interface. Never reused; a
/// retired number goes to the schema's `retired` list.
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.RECORD_COMPONENT, ElementType.TYPE})
public @interface Tag {
  int value();
}
