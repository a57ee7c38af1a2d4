package interop;

import java.util.Arrays;
import org.springframework.boot.SpringApplication;
import org.springframework.security.core.SpringSecurityCoreVersion;

/** One program of three names: {@code version}, {@code authorization-server}, {@code resource-server}. */
public final class Interop {
  public static void main(String[] arguments) throws Exception {
    String[] rest = Arrays.copyOfRange(arguments, 1, arguments.length);
    switch (arguments[0]) {
      case "version" -> System.out.println(SpringSecurityCoreVersion.getVersion());
      case "authorization-server" -> SpringApplication.run(AuthorizationServer.class, rest);
      case "resource-server" -> ResourceServer.verify(SpringApplication.run(ResourceServer.class, rest));
      default -> throw new IllegalArgumentException(arguments[0]);
    }
  }
}
